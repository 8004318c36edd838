/// A requested change that was not applied although the rest of the request was.
///
/// A request is applied completely or not at all, with one exception: a PUT or PATCH that sets a user's `active` to false always disables
/// the user. Attributes that cannot be applied keep their stored values and are reported to the administrator.
public struct UnappliedChange: Sendable, Hashable {
  /// The attribute, such as `title`, or the operation, such as `Operations[2]`.
  public let path: String
  /// The reason, in the words of an error.
  public let detail: String

  /// Creates a change. Both texts are truncated to 400 characters, and text that may contain a secret is removed.
  public init(path: String, detail: String) {
    self.path = String(SecretText.shown(path).prefix(400))
    self.detail = String(Self.withoutSecret(detail).prefix(400))
  }

  /// Removes the quoted text from a detail that names a secret attribute.
  private static func withoutSecret(_ detail: String) -> String {
    guard let quote = detail.firstIndex(of: "\""), SecretText.isMentioned(in: detail) else { return detail }
    return String(detail[..<quote]) + "…"
  }

  init(path: String, _ error: SCIMError) { self.init(path: path, detail: error.detail) }

  /// The maximum number of changes that are listed for one request.
  public static let maximumCount = 20

  /// The member of a command's document or PatchOp message that contains the list.
  private static let key = "urn:rollcall:params:scim:unapplied"

  /// Returns the list in a command's document or message; empty if there is none.
  public static func list(in json: JSON) -> [UnappliedChange] { json.object?[key].map(list(reading:)) ?? [] }

  /// Returns a document or message, which must be a non-empty JSON object, with the list appended.
  public static func appending(_ changes: [UnappliedChange], to document: [UInt8]) -> [UInt8] {
    guard !changes.isEmpty else { return document }
    var extended = document
    extended.removeLast()
    extended += #","\#(key)":"#.utf8
    extended += json(changes).serialized()
    extended.append(UInt8(ascii: "}"))
    return extended
  }

  /// Returns the list for a response or an event: at most ``maximumCount`` changes, the last of which counts the remaining ones.
  public static func summary(of changes: [UnappliedChange]) -> JSON? {
    guard !changes.isEmpty else { return nil }
    guard changes.count > maximumCount else { return json(changes) }
    let rest = UnappliedChange(path: "…", detail: "\(changes.count - maximumCount + 1) more were not applied.")
    return json(changes.prefix(maximumCount - 1) + [rest])
  }

  /// Returns the changes as an array of objects with `path` and `detail`.
  public static func json(_ changes: some Sequence<UnappliedChange>) -> JSON {
    .array(changes.map { ["path": .string($0.path), "detail": .string($0.detail)] })
  }

  /// Reads what ``json(_:)`` returns; other elements are ignored.
  public static func list(reading json: JSON) -> [UnappliedChange] {
    (json.array ?? []).compactMap { element in
      guard let path = element.object?["path"]?.string, let detail = element.object?["detail"]?.string else { return nil }
      return UnappliedChange(path: path, detail: detail)
    }
  }
}
