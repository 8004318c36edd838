import Foundation

/// Lines beside what a command prints, which a script may read.
enum StandardError {
  static func print(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
  }
}
