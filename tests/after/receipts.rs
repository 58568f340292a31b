//! Receipts, also when the texts are gone.

use openim_importer::after::{self, ReceiptFormat};
use openim_importer::message::Release;
use serde_json::Value;

use super::support::{client, history, job, run, server, settings, there};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_name_what_stands_on_the_server_also_after_a_purge() {
    let (dir, server) = (tempfile::tempdir().unwrap(), server(Release::V3_8_3).await);
    let said = history(700);
    let mut job = job(dir.path(), &said);
    run(&mut job, &server).await;
    let reader = job.reader().unwrap();
    let write = |format| {
        let mut out = Vec::new();
        let count = after::write_receipts(&reader, format, &mut out).unwrap();
        (count, String::from_utf8(out).unwrap())
    };
    let (count, lines) = write(ReceiptFormat::Jsonl);
    assert_eq!((count, lines.lines().count()), (700, 700));
    let mut ids = std::collections::HashSet::new();
    let log: std::collections::HashMap<(String, i64), _> = ["si_a_b", "si_a_c", "sg_g"]
        .into_iter()
        .flat_map(|name| there(&server, name).into_iter().map(|one| ((name.to_owned(), one.seq), one)))
        .collect();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let slot = (line["conversationID"].as_str().unwrap().to_owned(), line["seq"].as_i64().unwrap());
        let entry = &log[&slot];
        assert_eq!(line["serverMsgID"], entry.server_msg_id.as_str());
        assert_eq!(line["clientMsgID"], entry.client_msg_id.as_str());
        assert_eq!(line["sendTime"], entry.send_time);
        assert_eq!(line["id"], format!("m{}", entry.send_time));
        ids.insert(line["id"].to_string());
    }
    assert_eq!(ids.len(), 700);
    let (_, rows) = write(ReceiptFormat::Csv);
    assert_eq!(rows.lines().next(), Some("id,place,conversationID,seq,serverMsgID,clientMsgID,sendTime"));
    assert_eq!(rows.lines().count(), 701);

    assert!(after::purge(&mut job, 1).unwrap() > 50_000);
    assert_eq!(write(ReceiptFormat::Jsonl).1, lines);
    assert_eq!(write(ReceiptFormat::Csv).1, rows);
    // What is left is enough to take it back.
    let report = after::undo(client(&server), &mut job, settings(), false, |_| {}).await.unwrap();
    assert_eq!((report.deleted, report.failed), (700, 0));
    server.settle().await;
    assert!(there(&server, "si_a_b").is_empty());
}
