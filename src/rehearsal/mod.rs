//! An OpenIM-compatible server that answers, stores and loses as the real one does.
