//! Benches: CPU per unit of work beside the bare limit of the same run.
