import Foundation
import Logging
import Testing

@testable import ServiceKit

@Suite("Logging")
struct LoggingTests {
  /// The lines that `body` logs, decoded.
  private func lines(level: Logger.Level = .info, _ body: (Logger) -> Void) throws -> [[String: Any]] {
    let pipe = Pipe()
    let output = LogOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    let logger = Logger(label: "test") { label in
      JSONLogHandler(
        label: label, service: "test", instance: "test/0", level: level, metadataProvider: JSONLogHandler.traceProvider, output: output)
    }
    body(logger)
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  @Test("A line has time, level, service, instance, message and metadata")
  func line() throws {
    let lines = try lines { $0.warning("It happened", metadata: ["count": "3", "list": ["a", "b"]]) }
    let line = try #require(lines.first)
    #expect(lines.count == 1)
    #expect(line["level"] as? String == "warning")
    #expect(line["service"] as? String == "test")
    #expect(line["instance"] as? String == "test/0")
    #expect(line["message"] as? String == "It happened")
    let metadata = try #require(line["metadata"] as? [String: Any])
    #expect(metadata["count"] as? String == "3")
    #expect(metadata["list"] as? [String] == ["a", "b"])
    #expect((line["time"] as? String)?.hasSuffix("Z") == true)
    #expect(line["trace_id"] == nil)
  }

  @Test("A line that is logged within a trace has its id")
  func traceID() throws {
    let trace = TraceContext.make()
    let lines = try lines { logger in trace.run { logger.info("In the trace") } }
    #expect(lines.first?["trace_id"] as? String == trace.traceID)
  }

  @Test("Every message stays on one line")
  func oneLine() throws {
    let text = "first\nsecond\r\u{2028}\"quoted\"\\ \u{1B}[31mred \u{202E}"
    let lines = try lines { $0.error("\(text)") }
    #expect(lines.count == 1)
    #expect(lines.first?["message"] as? String == text)
  }

  @Test("Messages below the minimum level are not logged")
  func level() throws {
    let lines = try lines(level: .warning) { logger in
      logger.info("Not this")
      logger.error("But this")
    }
    #expect(lines.map { $0["message"] as? String } == ["But this"])
  }
}
