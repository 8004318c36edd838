import Foundation

/// The servers and tokens that `scimctl login` has stored, in `~/.config/rollcall/config.json`.
///
/// The file contains tokens: only its owner may read it.
struct ServerProfiles: Sendable, Equatable, Codable {
  /// A server with its token.
  struct Profile: Sendable, Equatable, Codable {
    /// Scheme, host and port of the server.
    var server: String
    /// The token.
    var token: String
    /// The path of a PEM file with certificate authorities; nil for those of the system.
    var authorities: String?
  }

  /// The name of the profile that is used if none is named.
  var current: String?
  /// The profiles by name.
  var profiles: [String: Profile] = [:]

  /// The longest name.
  private static let maximumName = 100

  /// The path of the file: in XDG_CONFIG_HOME, else in `.config` of the home directory.
  static func path(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
    let configured = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let home = environment["HOME"] ?? NSHomeDirectory()
    return "\(configured ?? home + "/.config")/rollcall/config.json"
  }

  /// Reads the profiles; none if the file does not exist.
  ///
  /// - Throws: ``ScimctlError`` if others may read the file, or it is malformed.
  static func read(from path: String) throws(ScimctlError) -> ServerProfiles {
    guard FileManager.default.fileExists(atPath: path) else { return ServerProfiles() }
    do {
      let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
      if let permissions, permissions.intValue & 0o077 != 0 {
        throw ScimctlError(.configuration, "others may read the tokens in '\(path)'. Run: chmod 600 '\(path)'")
      }
      return try JSONDecoder().decode(ServerProfiles.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch let error as ScimctlError {
      throw error
    } catch {
      throw ScimctlError(
        .configuration, "the profiles in '\(path)' cannot be read: \(error). Correct the file, or delete it and log in again")
    }
  }

  /// Replaces the file as a whole. It is never readable by others, and complete even if the process is killed.
  ///
  /// - Throws: ``ScimctlError`` if the file cannot be written.
  func write(to path: String) throws(ScimctlError) {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let copy = "\(path).\(ProcessInfo.processInfo.processIdentifier)"
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let content = try encoder.encode(self)
      try Self.create(copy, with: content)
    } catch {
      throw ScimctlError(.permissionDenied, "the profiles cannot be written to '\(path)': \(error.localizedDescription)")
    }
    guard rename(copy, path) == 0 else {
      throw ScimctlError(.permissionDenied, "the profiles cannot be written to '\(path)': \(String(cString: strerror(errno)))")
    }
  }

  /// Creates a file that only its owner may read from the start.
  private static func create(_ path: String, with content: Data) throws {
    unlink(path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try file.write(contentsOf: content)
    try file.synchronize()
    try file.close()
  }

  /// The profile with this name.
  ///
  /// - Throws: ``ScimctlError`` if there is none.
  func named(_ name: String) throws(ScimctlError) -> Profile {
    guard let profile = profiles[name] else {
      let known = profiles.keys.sorted().joined(separator: ", ")
      throw ScimctlError(
        .notFound, "there is no profile '\(name)'\(known.isEmpty ? "" : "; there are \(known)"). 'scimctl login --server URL' creates one")
    }
    return profile
  }

  /// Adds or replaces a profile, and makes it the current one.
  mutating func add(_ profile: Profile, named name: String) {
    profiles[name] = profile
    current = name
  }

  /// Removes a profile. If it was the current one, there is none afterwards.
  ///
  /// - Throws: ``ScimctlError`` if there is none with this name.
  mutating func remove(_ name: String) throws(ScimctlError) {
    _ = try named(name)
    profiles[name] = nil
    if current == name { current = nil }
  }

  /// Whether a text can be the name of a profile.
  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.count <= maximumName && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}
