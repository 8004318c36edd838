import Foundation
import Testing

@testable import ServiceKit

@Suite("Process metrics")
struct ProcessMetricsTests {
  /// `/proc/self/stat` of a process with a blank and parentheses in its name.
  private static let stat = """
    4711 (scim api) (x)) S 1 4711 4711 0 -1 4194560 1200 0 3 0 250 75 0 0 20 0 12 0 5000 104857600 2560 18446744073709551615 1 1
    """
  private static let system = "cpu  1 2 3\nbtime 1700000000\nprocesses 5"
  private static let limits = """
    Limit                     Soft Limit           Hard Limit           Units
    Max processes             100                  200                  processes
    Max open files            1024                 524288               files
    """

  private func parsed(
    stat: String = Self.stat, system: String = Self.system, limits: String = Self.limits
  ) throws(ProcessUsage.UnknownForm) -> ProcessUsage {
    try ProcessUsage(stat: stat, system: system, limits: limits, openFiles: 17, ticksPerSecond: 100, pageSize: 4096)
  }

  @Test("CPU time, memory, files and start time are read from /proc")
  func parsing() throws {
    let usage = try parsed()
    #expect(usage.cpuSeconds == 3.25)
    #expect(usage.residentBytes == 2560 * 4096)
    #expect(usage.virtualBytes == 104_857_600)
    #expect(usage.openFiles == 17)
    #expect(usage.maximumFiles == 1024)
    #expect(usage.startTime == 1_700_000_050)
  }

  @Test("No limit of open files is infinite")
  func unlimited() throws {
    let limits = Self.limits.replacing("1024 ", with: "unlimited ")
    #expect(try parsed(limits: limits).maximumFiles == .infinity)
  }

  @Test("A file of another form is an error that names it")
  func unknownForms() {
    #expect(throws: ProcessUsage.UnknownForm.self) { try parsed(stat: "4711") }
    #expect(throws: ProcessUsage.UnknownForm.self) { try parsed(stat: "4711 (x) S 1 2") }
    #expect(throws: ProcessUsage.UnknownForm.self) { try parsed(system: "cpu 1") }
    #expect(throws: ProcessUsage.UnknownForm.self) { try parsed(limits: "") }
  }

  @Test("The text has a description and a type for each metric")
  func text() throws {
    let lines = ProcessMetrics.text(try parsed()).split(separator: "\n")
    #expect(lines.count == 3 * ProcessMetrics.definitions.count)
    #expect(lines.contains("# TYPE process_cpu_seconds_total counter"))
    #expect(lines.contains("process_cpu_seconds_total 3.25"))
    #expect(lines.contains("process_resident_memory_bytes 10485760"))
  }

  @Test("This process uses CPU time, memory and files, and has started in the past")
  func current() throws {
    let usage = try ProcessUsage.current()
    #expect(usage.cpuSeconds > 0 && usage.residentBytes > 0 && usage.virtualBytes > usage.residentBytes)
    #expect(usage.openFiles > 0 && Double(usage.openFiles) <= usage.maximumFiles)
    #expect(usage.startTime > 1_500_000_000 && usage.startTime < Date().timeIntervalSince1970 + 60)
  }
}
