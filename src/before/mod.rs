//! What is looked at and made before the history: preflight, canary, provisioning.
