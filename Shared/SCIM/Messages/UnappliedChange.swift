/// A change that a request asks for and that was not applied, though the rest of the request was.
///
/// Requests are applied whole or not at all, with one exception: a PUT or PATCH that sets a user's `active` to false disables the user
/// whatever else is wrong with it. What can't be applied keeps its stored value and is told to the admin.
public struct UnappliedChange: Sendable, Hashable {
  /// The attribute, `title`, or what else was left out, `Operations[2]`.
  public let path: String
  /// Why, as an error would say it.
  public let detail: String

  public init(path: String, detail: String) {
    self.path = String(SecretText.shown(path).prefix(400))
    self.detail = String(Self.withoutSecret(detail).prefix(400))
  }

  /// What names a secret attribute does not go on to messages and logs with the text that is quoted behind.
  private static func withoutSecret(_ detail: String) -> String {
    guard let quote = detail.firstIndex(of: "\""), SecretText.isMentioned(in: detail) else { return detail }
    return String(detail[..<quote]) + "…"
  }

  init(path: String, _ error: SCIMError) { self.init(path: path, detail: error.detail) }

  /// The most that are listed for one request.
  public static let maximumCount = 20

  /// The member of a document or PatchOp message under which a list travels in a command.
  private static let key = "urn:rollcall:params:scim:unapplied"

  /// The list in a document or message of a command; empty where there is none.
  public static func list(in json: JSON) -> [UnappliedChange] { json.object?[key].map(list(reading:)) ?? [] }

  /// A document or message, an object that is not empty, with the list in it.
  public static func appending(_ changes: [UnappliedChange], to document: [UInt8]) -> [UInt8] {
    guard !changes.isEmpty else { return document }
    var extended = document
    extended.removeLast()
    extended += #","\#(key)":"#.utf8
    extended += json(changes).serialized()
    extended.append(UInt8(ascii: "}"))
    return extended
  }

  /// The list as it is told: the first of the changes, and how many more there are.
  public static func summary(of changes: [UnappliedChange]) -> JSON? {
    guard !changes.isEmpty else { return nil }
    guard changes.count > maximumCount else { return json(changes) }
    let rest = UnappliedChange(path: "…", detail: "\(changes.count - maximumCount + 1) more were not applied.")
    return json(changes.prefix(maximumCount - 1) + [rest])
  }

  /// An array of objects with `path` and `detail`.
  public static func json(_ changes: some Sequence<UnappliedChange>) -> JSON {
    .array(changes.map { ["path": .string($0.path), "detail": .string($0.detail)] })
  }

  /// The inverse of ``json(_:)``; what is no such object is left out.
  public static func list(reading json: JSON) -> [UnappliedChange] {
    (json.array ?? []).compactMap { element in
      guard let path = element.object?["path"]?.string, let detail = element.object?["detail"]?.string else { return nil }
      return UnappliedChange(path: path, detail: detail)
    }
  }
}
