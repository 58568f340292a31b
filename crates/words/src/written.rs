//! When a message was written, for one that is sent under another time.

use serde_json::{Map, Value};

/// The key in `ex` under which a message that is sent with a later time has its own, ms.
pub const WRITTEN_AT: &str = "writtenAt";

/// `ex` with the time in it; `None` where it holds something of the export's own that is no object.
pub fn with_written_at(ex: &str, time: i64) -> Option<String> {
    let mut object: Map<String, Value> =
        if ex.trim().is_empty() { Map::new() } else { serde_json::from_str(ex).ok()? };
    object.entry(WRITTEN_AT).or_insert(time.into());
    Some(Value::Object(object).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_added_and_what_was_there_stays() {
        assert_eq!(with_written_at("", 5).unwrap(), r#"{"writtenAt":5}"#);
        assert_eq!(with_written_at(r#"{"a":[1]}"#, 5).unwrap(), r#"{"a":[1],"writtenAt":5}"#);
        assert_eq!(with_written_at(r#"{"writtenAt":1}"#, 5).unwrap(), r#"{"writtenAt":1}"#);
        assert_eq!(with_written_at("words", 5), None);
    }
}
