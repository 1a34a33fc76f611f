//! A broker crashes and comes back.

use std::time::Duration;

use anyhow::Result;
use camunda_backup_live::{LiveStack, Seen, say, until};

pub async fn run(stack: &mut LiveStack) -> Result<()> {
    stack.kill_broker(1)?;
    let topology = format!("{}/v2/topology", stack.zeebe_rest()[0]);
    let http = stack.http().clone();
    until("the survivor notices", Duration::from_secs(60), async || {
        let answer = http.get(&topology).await?;
        let brokers = answer.body["brokers"].as_array().map_or(0, Vec::len);
        Ok(if brokers == 1 { Seen::Done(()) } else { Seen::NotYet(format!("{brokers} brokers")) })
    })
    .await?;
    stack.start_broker(1).await?;

    let load = stack.load().await?;
    until("load after the return", Duration::from_secs(60), async || {
        let accepted = load.accepted();
        Ok(if accepted >= 5 { Seen::Done(()) } else { Seen::NotYet(format!("{accepted} accepted")) })
    })
    .await?;
    say(format!("the cluster works again: {} instances accepted", load.stop().await?));
    Ok(())
}
