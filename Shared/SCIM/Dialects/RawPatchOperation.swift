/// An operation of a PATCH as it was sent, with its path read once.
struct RawPatchOperation {
  private(set) var object: JSONObject
  /// The `path`, where it is text.
  private(set) var pathText: String?
  /// The path, where it can be read. The engine will refuse one that can't, and say why.
  private(set) var path: PatchPath?

  init(_ object: JSONObject) {
    self.object = object
    pathText = object.value(forAttribute: "path")?.string
    path = pathText.flatMap(Self.path)
  }

  init(op: JSON, path: PatchPath, value: JSON) {
    let text = path.description
    object = ["op": op, "path": .string(text), "value": value]
    pathText = text
    self.path = path
  }

  var op: String? { object.value(forAttribute: "op")?.string }
  var value: JSON? { object.value(forAttribute: "value") }

  static func path(_ text: String) -> PatchPath? {
    do throws(SCIMError) {
      return try PatchPath(parsing: text)
    } catch {
      return nil
    }
  }

  func with(op: String) -> RawPatchOperation {
    var copy = self
    copy.object.setValue(.string(op), forAttribute: "op")
    return copy
  }

  /// The same operation with another value, or, with nil, without one.
  func with(value: JSON?) -> RawPatchOperation {
    var copy = self
    copy.object.setValue(value, forAttribute: "value")
    return copy
  }

  func with(path: PatchPath) -> RawPatchOperation {
    var copy = self
    let text = path.description
    copy.object.setValue(.string(text), forAttribute: "path")
    copy.pathText = text
    copy.path = path
    return copy
  }

  /// The same operation with other keys in its value, where it has no path; nil where none is another.
  func renamingKeysOfValue(_ rename: (String) -> String?) -> RawPatchOperation? {
    guard pathText == nil, case .object(let attributes)? = value, let renamed = attributes.renamingKeys(rename) else { return nil }
    return with(value: .object(renamed))
  }
}
