"""Jobs that wait for a runner service, and the service that runs them."""
