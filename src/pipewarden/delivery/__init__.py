"""What leaves pipewarden for somebody else: events to brokers, documents to sinks."""
