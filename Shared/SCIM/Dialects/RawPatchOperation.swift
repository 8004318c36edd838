/// An operation of a PATCH before validation, with its parsed path.
struct RawPatchOperation {
  private(set) var object: JSONObject
  /// The `path`, if it is a string.
  private(set) var pathText: String?
  /// The parsed path; nil if it is invalid, in which case the engine reports the error.
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

  /// Returns the operation with another value, or without one if `value` is nil.
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

  /// Returns an operation without a path with renamed keys in its value; nil if no key changes.
  func renamingKeysOfValue(_ rename: (String) -> String?) -> RawPatchOperation? {
    guard pathText == nil, case .object(let attributes)? = value, let renamed = attributes.renamingKeys(rename) else { return nil }
    return with(value: .object(renamed))
  }
}
