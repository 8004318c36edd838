import Logging

/// The process's logging: JSON lines on standard error.
enum ServiceLogging {
  /// Sets up logging for the whole process; to be called once.
  static func bootstrap(service: String, instance: String, level: Logger.Level) {
    LoggingSystem.bootstrap(
      { label, provider in
        JSONLogHandler(
          label: label, service: service, instance: instance, level: level, metadataProvider: provider, output: .standardError)
      },
      metadataProvider: JSONLogHandler.traceProvider)
  }
}
