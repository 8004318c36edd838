import Foundation

extension KafkaBroker {
  /// Starts the broker's process. `noida-db` may be a wrapper around the real program, so the script signals the process that the broker
  /// names in its data folder.
  static func process(port: Int, folder: URL) throws -> ServerProcess {
    try ServerProcess(
      script: script, arguments: [program(), "\(port)", folder.appendingPathComponent("data").path, folder.path],
      log: folder.appendingPathComponent("log"))
  }

  private static let script = """
    control="$2/noida.control.json"
    rm -f "$control"
    "$0" start --only kafka --kafka-port "$1" --data-dir "$2" < /dev/null &
    read -r _ && keep=yes || keep=
    [ -n "$keep" ] && signal=TERM || signal=KILL
    if [ -f "$control" ]; then pid=$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' "$control"); else pid=$!; fi
    kill -s "$signal" "$pid"
    wait
    [ -n "$keep" ] || rm -rf "$3"
    """

  /// The path of the broker's executable: from the environment, the package's tools, or the search path.
  private static func program() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let found = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/noida-db" }
    let candidates =
      [environment["ROLLCALL_NOIDA_DB"], package.appendingPathComponent(".local/venv/bin/noida-db").path].compactMap { $0 } + found
    guard let program = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      throw KafkaBrokerError(reason: "noida-db was not found; searched \(candidates.joined(separator: ", "))")
    }
    return program
  }
}
