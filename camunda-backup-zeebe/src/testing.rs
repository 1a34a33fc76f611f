//! The simulated Camunda cluster.
