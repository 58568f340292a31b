//! Sends and confirms: schedule, worker, window, confirm, settle, pace, stop.
