//! What a server of a stack has to know about the others.

use std::path::Path;

use crate::broker::Broker;
use crate::line::Line;
use crate::s3::S3;
use crate::sources::Sources;
use crate::workdir::Workdir;

/// Small enough for two cores; what it puts into its temporary folder is removed with the run.
pub fn small_java(heap: &str, temp: &Path) -> String {
    format!(
        "-Xms128m -Xmx{heap} -XX:MaxDirectMemorySize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
         -XX:-UsePerfData -Djava.io.tmpdir={}",
        temp.display()
    )
}

pub struct StackContext<'a> {
    pub line: Line,
    pub sources: &'a Sources,
    pub work: &'a Workdir,
    pub brokers: &'a [Broker],
    /// The URL of Elasticsearch or OpenSearch.
    pub store: &'a str,
    pub s3: &'a S3,
}
