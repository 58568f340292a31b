//! TOML, environment and flags become one fully resolved plan. The only room that reads the environment.
