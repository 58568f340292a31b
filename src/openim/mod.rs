//! The only HTTP client: calls, answers, token. It never repeats a call by itself.
