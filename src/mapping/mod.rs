//! Record to messages: native fields, columns, jq, times, ids. Pure.
