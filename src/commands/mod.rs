//! One file a command, no logic worth testing alone.
