"""Model versions, deployments, approvals and predictions in the state database."""
