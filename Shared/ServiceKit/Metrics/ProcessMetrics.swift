import Foundation

/// The standard metrics of a process, `process_…`, with the names that Prometheus' client libraries use. They are read at each scrape.
enum ProcessMetrics {
  static let definitions: [MetricDefinition] = [
    .counter("process_cpu_seconds_total", "User and system CPU time."),
    .gauge("process_resident_memory_bytes", "Resident memory."),
    .gauge("process_virtual_memory_bytes", "Virtual memory."),
    .gauge("process_open_fds", "Open file descriptors."),
    .gauge("process_max_fds", "The limit of open file descriptors."),
    .gauge("process_start_time_seconds", "When the process started, in seconds since 1970."),
  ]

  /// The lines of `/metrics`.
  static func text(_ usage: ProcessUsage) -> String {
    var text = ""
    for definition in definitions {
      guard let value = value(of: definition.name, usage) else { continue }
      text += PrometheusText.header(definition.name, type: definition.kind.rawValue)
      text += "\(definition.name) \(PrometheusText.number(value))\n"
    }
    return text
  }

  private static func value(of name: String, _ usage: ProcessUsage) -> Double? {
    switch name {
    case "process_cpu_seconds_total": usage.cpuSeconds
    case "process_resident_memory_bytes": usage.residentBytes
    case "process_virtual_memory_bytes": usage.virtualBytes
    case "process_open_fds": Double(usage.openFiles)
    case "process_max_fds": usage.maximumFiles
    case "process_start_time_seconds": usage.startTime
    default: nil
    }
  }
}

/// What the process uses of the machine, from Linux's `/proc`.
struct ProcessUsage: Sendable, Equatable {
  /// User and system CPU time, in seconds.
  var cpuSeconds: Double
  /// Resident memory, in bytes.
  var residentBytes: Double
  /// Virtual memory, in bytes.
  var virtualBytes: Double
  var openFiles: Int
  /// The limit of open files; infinite if there is none.
  var maximumFiles: Double
  /// When the process started, in seconds since 1970.
  var startTime: Double

  /// The error for a file of `/proc` with an unexpected form.
  struct UnknownForm: Error, CustomStringConvertible {
    var file: String
    var description: String { "\(file) has an unknown form" }
  }

  /// What this process uses now.
  ///
  /// - Throws: ``UnknownForm``; an error of Foundation if a file cannot be read.
  static func current() throws -> ProcessUsage {
    try ProcessUsage(
      stat: try String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
      system: try String(contentsOfFile: "/proc/stat", encoding: .utf8),
      limits: try String(contentsOfFile: "/proc/self/limits", encoding: .utf8),
      openFiles: try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count,
      ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))), pageSize: Double(sysconf(Int32(_SC_PAGESIZE))))
  }

  /// Reads the contents of `/proc/self/stat`, `/proc/stat` and `/proc/self/limits` (proc(5)).
  ///
  /// - Throws: ``UnknownForm``.
  init(stat: String, system: String, limits: String, openFiles: Int, ticksPerSecond: Double, pageSize: Double) throws(UnknownForm) {
    // The name of the executable, in parentheses, may contain blanks. The third field follows it.
    guard let end = stat.lastIndex(of: ")") else { throw UnknownForm(file: "/proc/self/stat") }
    let fields = stat[stat.index(after: end)...].split(separator: " ").map { Double($0) }
    guard fields.count > 21, let user = fields[11], let kernel = fields[12], let start = fields[19], let virtual = fields[20],
      let pages = fields[21], ticksPerSecond > 0
    else { throw UnknownForm(file: "/proc/self/stat") }
    let boot = system.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
    guard let boot else { throw UnknownForm(file: "/proc/stat") }
    let limit = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }?.split(separator: " ").dropFirst(3).first
    guard let limit else { throw UnknownForm(file: "/proc/self/limits") }
    cpuSeconds = (user + kernel) / ticksPerSecond
    residentBytes = pages * pageSize
    virtualBytes = virtual
    self.openFiles = openFiles
    maximumFiles = Double(limit) ?? .infinity
    startTime = boot + start / ticksPerSecond
  }
}
