//! Progress, text, JSON, HTML.
