import Testing

/// The real executables over real Kafka, PostgreSQL and SMTP. One suite of processes serves all tests, one after the other, since
/// some of them end processes.
@Suite("End to end", .serialized)
enum EndToEnd {}
