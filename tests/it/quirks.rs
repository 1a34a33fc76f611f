//! What real servers do, Q1 to Q45 of `docs/server-quirks.md`, each as a test of a whole run where the whole run shows it.
//!
//! Where each number is tested: "run" = here and in `defects.rs`, a whole run on the simulated cluster; "client" = the
//! unit tests of `camunda-backup-zeebe` and `camunda-backup-es`; "fake" = that the simulated servers have the quirk at all.
//! The tests are named after the number, so `grep -rn "fn q05\|fn d05"` finds them.
//!
//! | defect | where |
//! |---|---|
//! | D1 | run `answers::d01`, client `exporting` |
//! | D2 | client `exporting::d02`; both kinds of success complete in `backup.rs` |
//! | D3 | run `answers::d03`, client `exporting` |
//! | D4 | run `pause::q06_d04` |
//! | D5 | the crash matrix; run `endings::d24`, `handle::endings` |
//! | D6, D7, D9 | run `answers` |
//! | D8 | run `endings::d08` |
//! | D10 | run `ids`, client `runtime_backups`, `history_backups` |
//! | D11 | I3 in the crash matrix; run `zeebe::q35`, `store::q16` |
//! | D14 | run `endings::d14`, and after nearly every failed run |
//! | D15 | run `answers::d15` |
//! | D16 | run `answers::d16`, client `backup_state`, `answer`, `history_backups` |
//! | D17, D18 | client `cluster` |
//! | D20, D23, D24, D34 | run `endings` |
//! | D21 | run `answers::d21` |
//! | D22 | client `restore_progress` of the store; the restore itself is later work |
//! | D32 | run `answers::d32`, client `history_backups` |
//!
//! | quirk | where |
//! |---|---|
//! | Q1, Q2, Q10, Q11, Q35, Q36 | run `zeebe`, client `runtime_backups`, fake |
//! | Q3, Q22, Q23, Q24 | run `apps`, client `history_backups`, fake |
//! | Q4–Q9, Q33, Q34, Q44, Q45 | run `pause`, client `exporting`, `topology`, `dialect`, fake |
//! | Q12–Q18, Q31 | run `store`, client of the store, fake |
//! | Q19, Q20, Q32 | fake of the store; they show in a restore only |
//! | Q21, Q25–Q28, Q30, Q37 | restore and failover, later work |
//! | Q29 | fake (used ids stay used); run `ids::d10` |
//! | Q38–Q43 | restore and failback, later work |
//! | Q44, Q45 | fake `control` |
#![allow(clippy::unwrap_used, clippy::panic)]

mod apps;
mod pause;
mod store;
mod zeebe;
