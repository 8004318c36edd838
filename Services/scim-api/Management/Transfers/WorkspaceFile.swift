import Crypto
import EdgeHTTP
import Foundation
import Models
import Primitives
import SCIM
import SCIMStorage

/// The lines of a workspace's file: read one by one, checked, and grouped into parts.
///
/// The file is never in memory as a whole. What is kept are the ids and names, to find duplicates and references to what the file does not
/// have. ``finish()`` refuses a truncated file: its last line must have the number of lines and the checksum of those before it.
struct WorkspaceFile: Sendable {
  /// How the workspace is changed on its way.
  struct Options: Sendable, Equatable {
    /// The slug in this deployment; nil for that in the file.
    var slug: String?
    /// Whether the operator asserts the mail domains. Otherwise they wait for their verification by DNS.
    var assertsDomains = false
    /// The id of the workspace in this deployment; nil for that in the file.
    var id: WorkspaceID?
  }

  /// The `type` of the first line.
  static let headType = "rollcall-workspace"
  /// The version of the format.
  static let version: Int64 = 1
  /// The `type` of the last line.
  static let endType = "end"
  /// The largest file, in bytes.
  static let maximumBytes = 1 << 30
  /// The most lines of a file.
  static let maximumLines = 250_000
  /// The largest line, in bytes: a user of the largest size, or 1,000 members.
  static let maximumLine = 1 << 20
  /// About the memory for a line that is kept, in bytes.
  static let keptBytes = 200

  /// The parts that are complete and not taken yet.
  private(set) var parts: [WorkspaceImportPart] = []
  /// The first errors, in the order of the lines.
  private(set) var errors: [ProblemDetails.Item] = []
  /// The number of lines.
  private(set) var count = 0
  /// The id of the workspace in this deployment, once its line is read.
  private(set) var workspace: WorkspaceID?
  /// The slug in this deployment.
  private(set) var slug = ""
  /// The number of parts.
  private(set) var partCount = 0
  /// The number of records of each kind.
  private(set) var counts: [WorkspaceRecordLine.Kind: Int64] = [:]

  private let importID: CommandID
  private let options: Options
  private var checker = WorkspaceRecordChecker()
  private var exportedAt: Date?
  private var digest = SHA256()
  private var partial: [UInt8] = []
  private var isTooLong = false
  private var hasEnded = false
  private var lines: [String] = []
  private var bytes = 0

  init(importID: CommandID, options: Options) {
    self.importID = importID
    self.options = options
  }

  /// Whether there are as many errors as a response contains, or one that makes the rest pointless.
  private(set) var isHopeless = false

  /// Reads a part of the file.
  mutating func append(_ bytes: some Collection<UInt8>) {
    var rest = bytes[...]
    while !isHopeless, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      extend(with: rest[..<end])
      endLine()
      rest = rest[rest.index(after: end)...]
    }
    if !isHopeless { extend(with: rest) }
  }

  /// Reads the last line, which need not end with a line break, and checks that the file is complete.
  mutating func finish() {
    guard !isHopeless else { return }
    if !partial.isEmpty || isTooLong { endLine() }
    if !hasEnded, errors.isEmpty {
      fail("The file ends here, without the line that has its checksum. It is truncated: export the workspace again.", line: max(count, 1))
    }
    completePart()
  }

  /// Takes the next part.
  mutating func takePart() -> WorkspaceImportPart? { parts.isEmpty ? nil : parts.removeFirst() }

  private mutating func extend(with bytes: some Collection<UInt8>) {
    guard partial.count + bytes.count <= Self.maximumLine else {
      isTooLong = true
      return partial.removeAll()
    }
    if !isTooLong { partial.append(contentsOf: bytes) }
  }

  private mutating func endLine() {
    defer {
      partial.removeAll(keepingCapacity: true)
      isTooLong = false
    }
    if hasEnded {
      // White space after the last line is harmless.
      guard partial.contains(where: { !" \t\r".utf8.contains($0) }) else { return }
      isHopeless = true
      return fail("The file goes on after its last line.", line: count + 1)
    }
    count += 1
    guard count <= Self.maximumLines else {
      isHopeless = true
      return fail("A workspace's file has at most \(Self.maximumLines) lines.", line: count)
    }
    if isTooLong { return fail("The line has more than \(Self.maximumLine) bytes.", line: count) }
    do throws(WorkspaceLineError) {
      if count == 1 { try readHead() } else { try readRecord() }
      if !hasEnded { digest.update(data: partial + [UInt8(ascii: "\n")]) }
    } catch {
      // Without the first two lines, the others cannot be checked.
      if count <= 2 { isHopeless = true }
      digest.update(data: partial + [UInt8(ascii: "\n")])
      fail(error.detail, line: count)
    }
  }

  private mutating func readHead() throws(WorkspaceLineError) {
    let fields = try RecordFields(line: partial)
    let type = try fields.text("type")
    guard type == Self.headType else {
      throw WorkspaceLineError("This is no export of a workspace: type is '\(type.prefix(50))', not '\(Self.headType)'.")
    }
    let version = try fields.integer("version")
    guard version == Self.version else {
      throw WorkspaceLineError(
        "The file has version \(version) of the format, and this deployment reads version \(Self.version). Upgrade the older deployment.")
    }
    exportedAt = try fields.time("exportedAt")
  }

  private mutating func readRecord() throws(WorkspaceLineError) {
    let fields = try RecordFields(line: partial)
    if try fields.text("type") == Self.endType {
      hasEnded = true
      return try readEnd(fields)
    }
    let record = try WorkspaceRecordLine(line: partial)
    if case .workspace(let content) = record {
      guard count == 2 else { throw WorkspaceLineError("The workspace must be line 2, and only there.") }
      return try readWorkspace(content)
    }
    guard workspace != nil else { throw WorkspaceLineError("Line 2 must be the workspace.") }
    try checker.check(record, line: count)
    counts[record.kind, default: 0] += 1
    add(String(decoding: partial, as: UTF8.self))
  }

  private mutating func readEnd(_ fields: RecordFields) throws(WorkspaceLineError) {
    // A line that was not read makes the checksum wrong.
    guard errors.isEmpty else { return }
    let (expected, sum) = (try fields.integer("lines"), try fields.text("sha256"))
    guard expected == Int64(count - 1) else {
      throw WorkspaceLineError(
        "The export had \(expected) lines before this one, and the file has \(count - 1). Export the workspace again.")
    }
    guard sum == Hex.encode(digest.finalize()) else {
      throw WorkspaceLineError("The checksum does not match: a line was changed or damaged. Export the workspace again.")
    }
    guard workspace != nil else { throw WorkspaceLineError("The file has no workspace.") }
  }

  /// Reads the workspace, with the id, slug and domains that it gets here.
  private mutating func readWorkspace(_ content: WorkspaceRecordLine.WorkspaceContent) throws(WorkspaceLineError) {
    // That id means the whole deployment.
    guard content.id != .deployment else { throw WorkspaceLineError("The id \(content.id) cannot be that of a workspace.") }
    var content = content
    content.id = options.id ?? content.id
    content.settings.slug = options.slug ?? content.settings.slug
    content.settings.deletion = nil
    let exportedAt = exportedAt ?? content.modifiedAt
    // Nothing here depends on the present time: a repetition of the import sends the same parts.
    content.settings.mailDomains = content.settings.mailDomains.map { domain in
      guard !options.assertsDomains else { return MailDomain(domain: domain.domain, verification: .operator, verifiedAt: exportedAt) }
      guard case .dns = domain.verification else {
        return MailDomain(domain: domain.domain, verification: .dns(token: Self.token(for: domain.domain, of: importID)))
      }
      // The TXT record that the customer has still proves the domain.
      return MailDomain(domain: domain.domain, verification: domain.verification)
    }
    guard content.settings.otherDomains == .allow || !content.settings.verifiedDomains.isEmpty else {
      throw WorkspaceLineError(
        """
        The policy for other mail domains is '\(content.settings.otherDomains.rawValue)', and no domain is verified in this deployment yet. \
        Assert the domains with assertDomains=true, or set the policy to 'allow' before the export.
        """)
    }
    checker.settings = content.settings
    checker.schemas = content.settings.schemas
    (workspace, slug) = (content.id, content.settings.slug)
    counts[.workspace] = 1
    add(try Self.line(content))
  }

  /// The line of the workspace.
  private static func line(_ content: WorkspaceRecordLine.WorkspaceContent) throws(WorkspaceLineError) -> String {
    do {
      let data: JSONObject = [
        "id": .id(content.id), "settings": try .encoding(content.settings), "createdAt": .time(content.createdAt),
        "modifiedAt": .time(content.modifiedAt),
      ]
      let line: JSONObject = ["type": .string(WorkspaceRecordLine.Kind.workspace.rawValue), "data": .object(data)]
      return String(decoding: line.serialized(), as: UTF8.self)
    } catch {
      throw WorkspaceLineError("The settings cannot be stored: \(error).")
    }
  }

  /// A token for a TXT record, the same for every repetition of the import.
  private static func token(for domain: String, of id: CommandID) -> String {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
    return String(SHA256.hash(data: Array("\(id) \(domain)".utf8)).prefix(32).map { alphabet[Int($0) % alphabet.count] })
  }

  private mutating func add(_ line: String) {
    let isFull = lines.count >= WorkspaceImportPart.maximumLines || bytes + line.utf8.count > WorkspaceImportPart.maximumBytes
    if isFull { completePart(before: count) }
    lines.append(line)
    bytes += line.utf8.count
  }

  /// - Parameter line: The number of the line after the part; nil at the end of the file, whose last line is none of a part.
  private mutating func completePart(before line: Int? = nil) {
    guard !lines.isEmpty else { return }
    partCount += 1
    let next = line ?? (hasEnded ? count : count + 1)
    if errors.isEmpty {
      parts.append(WorkspaceImportPart(importID: importID, number: partCount, firstLine: next - lines.count, lines: lines))
    }
    (lines, bytes) = ([], 0)
  }

  private mutating func fail(_ detail: String, line: Int) {
    if errors.count < ProblemDetails.maximumErrors { errors.append(ProblemDetails.Item(.line(line), detail)) }
    if errors.count >= ProblemDetails.maximumErrors { isHopeless = true }
    // Nothing is stored of a file with errors.
    parts.removeAll()
  }
}
