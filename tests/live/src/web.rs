//! The two HTTP ports that every process of Camunda has.

use anyhow::Result;

use crate::ports::Ports;

#[derive(Clone, Copy)]
pub struct Web {
    rest: u16,
    management: u16,
}

impl Web {
    pub fn new(ports: &mut Ports) -> Result<Self> {
        Ok(Self { rest: ports.next()?, management: ports.next()? })
    }

    pub fn rest_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rest)
    }

    pub fn management_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.management)
    }

    /// What makes a process listen there.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("SERVER_ADDRESS", "127.0.0.1".to_owned()),
            ("SERVER_PORT", self.rest.to_string()),
            ("MANAGEMENT_SERVER_ADDRESS", "127.0.0.1".to_owned()),
            ("MANAGEMENT_SERVER_PORT", self.management.to_string()),
        ]
    }
}
