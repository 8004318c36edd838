import Foundation
import SCIM

/// Benchmarks the CPU time of the SCIM engine on one thread, without I/O. Run by `ops/bench scim`.
@main
struct SCIMBench {
  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var only: String?
    if let index = arguments.firstIndex(of: "--only"), index + 1 < arguments.count {
      only = arguments[index + 1]
      arguments.removeSubrange(index...index + 1)
    }
    guard Set(arguments).isSubset(of: ["--quick", "--check"]) else {
      FileHandle.standardError.write(Data("usage: scim-bench [--quick] [--check] [--only PART-OF-A-NAME]\n".utf8))
      exit(64)
    }
    let isQuick = arguments.contains("--quick")
    let stopwatch = Stopwatch(rounds: isQuick ? 5 : 15, secondsPerRound: isQuick ? 0.05 : 0.2)
    print("CPU time in microseconds, best of \(stopwatch.rounds) rounds".paddedRight(to: 66) + "  measured  target")
    var tooSlow: [String] = []
    for work in try Work.all() where only.map(work.name.contains) ?? true {
      let microseconds = try stopwatch.time(work.run)
      let target = work.target.map { $0.formatted(.number.precision(.fractionLength(1))) } ?? ""
      let measured = microseconds.formatted(.number.precision(.fractionLength(2)))
      print(work.name.paddedRight(to: 66) + measured.paddedLeft(to: 10) + target.paddedLeft(to: 8))
      if let target = work.target, microseconds > target { tooSlow.append(work.name) }
    }
    guard !tooSlow.isEmpty else { return }
    print("Slower than the target: \(tooSlow.joined(separator: "; "))")
    if arguments.contains("--check") { exit(1) }
  }
}

extension String {
  fileprivate func paddedRight(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
  fileprivate func paddedLeft(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
