import Foundation

/// The version of the build, the same for all executables of the package.
public enum BuildVersion {
  /// The release.
  public static let release = "0.3.0"

  /// The abbreviated Git commit, with `-dirty` if there were uncommitted changes; nil if it is unknown.
  ///
  /// `ops/local/build` and the Dockerfile write it to the file `rollcall.commit` beside the executables. A constant in the source would
  /// compile everything again with each commit.
  public static let commit: String? = commit(beside: URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath())

  /// The release with the commit, `0.3.0 (4f2c1d9a8b7e)`, for `--version` and logs.
  public static let description = text(release: release, commit: commit)

  static let fileName = "rollcall.commit"

  static func text(release: String, commit: String?) -> String {
    guard let commit else { return release }
    return "\(release) (\(commit))"
  }

  /// Reads the commit; nil if there is no file, or it has anything else.
  static func commit(beside executable: URL) -> String? {
    let file = executable.deletingLastPathComponent().appendingPathComponent(fileName)
    guard let data = FileManager.default.contents(atPath: file.path), data.count <= 100 else { return nil }
    let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    let isPlain = text.allSatisfy { $0 == "-" || $0.isASCII && ($0.isNumber || $0.isLowercase) }
    return !text.isEmpty && isPlain ? text : nil
  }
}
