/// A PatchOp message (RFC 7644 §3.5.2), validated without a resource.
public struct Patch: Sendable, Hashable {
  /// The operations in order.
  public let operations: [Operation]
  /// The invalid operations of a PATCH that disables a user; see ``init(deactivating:schema:isStrict:)``.
  public internal(set) var unapplied: [UnappliedChange] = []

  /// One operation of a PatchOp message.
  public struct Operation: Sendable, Hashable {
    /// The kind of change.
    public let kind: Kind
    /// The target; nil if the value is an object of the attributes to change.
    public let path: PatchPath?
    /// The new value. A removal usually has none; if it has one, it removes equal values.
    public let value: JSON?

    /// The kinds of operations.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
      /// Adds values, or sets attributes.
      case add
      /// Removes values.
      case remove
      /// Replaces values.
      case replace
    }
  }

  /// Reads a PatchOp message.
  ///
  /// - Throws: `invalidSyntax` if it is not a PatchOp message; `invalidPath`, `invalidValue`, or `noTarget` for a removal without a path.
  public init(_ json: JSON) throws(SCIMError) {
    try self.init(json, paths: [])
    unapplied = UnappliedChange.list(in: json)
  }

  /// Reads a normalised message, without parsing its paths again.
  ///
  /// - Throws: As ``init(_:)``.
  public init(_ normalised: Normaliser.Normalised) throws(SCIMError) {
    try self.init(normalised.json, paths: normalised.paths)
  }

  private init(_ json: JSON, paths: [PatchPath?]) throws(SCIMError) {
    guard case .object(let message) = json else {
      throw .badRequest(.invalidSyntax, "The request body must be a PatchOp message, a JSON object with Operations, found \(json.summary).")
    }
    let schemas = message.value(forAttribute: "schemas")?.array ?? []
    guard schemas.contains(where: { $0.string.map { AttributeName.equal($0, MessageSchema.patchOperation) } ?? false }) else {
      throw .badRequest(.invalidSyntax, "schemas must hold \(MessageSchema.patchOperation) in the body of a PATCH.")
    }
    guard case .array(let operations)? = message.value(forAttribute: "Operations"), !operations.isEmpty else {
      throw .badRequest(.invalidSyntax, "Operations must be an array with one operation or more, each with op, path and value.")
    }
    var read: [Operation] = []
    read.reserveCapacity(operations.count)
    for (index, operation) in operations.enumerated() {
      do throws(SCIMError) {
        read.append(try Operation(operation, path: index < paths.count ? paths[index] : nil))
      } catch {
        throw error.inOperation(index)
      }
    }
    self.operations = read
  }

  /// The message as JSON text, with the list of ``unapplied`` changes.
  public func json() -> [UInt8] {
    UnappliedChange.appending(
      unapplied,
      to: JSON.object([
        "schemas": [.string(MessageSchema.patchOperation)], "Operations": .array(operations.map(\.json)),
      ]).serialized())
  }
}

extension Patch.Operation {
  /// Reads an operation.
  ///
  /// - Parameters:
  ///   - json: The operation.
  ///   - known: The path, if it was parsed before.
  init(_ json: JSON, path known: PatchPath?) throws(SCIMError) {
    guard case .object(let operation) = json else {
      throw .badRequest(.invalidSyntax, "an operation must be an object with op, path and value, found \(json.summary).")
    }
    guard let op = operation.value(forAttribute: "op")?.string, let kind = Kind(rawValue: op) else {
      let found = operation.value(forAttribute: "op")?.summary ?? "nothing"
      throw .badRequest(.invalidSyntax, "op must be \"add\", \"remove\" or \"replace\", found \(found).")
    }
    var path: PatchPath?
    switch operation.value(forAttribute: "path") {
    case nil, .null?: break
    case .string(let text)?: path = if let known { known } else { try PatchPath(parsing: text) }
    case let other?: throw .badRequest(.invalidPath, "path must be a string, found \(other.summary).")
    }
    let value = operation.value(forAttribute: "value")
    switch kind {
    case .remove:
      guard path != nil else { throw .badRequest(.noTarget, "a remove operation must have a path that says what to remove.") }
    case .add, .replace:
      guard let value else { throw .badRequest(.invalidSyntax, "an operation with op \"\(op)\" must have a value.") }
      if path == nil, value.object == nil {
        throw .badRequest(
          .invalidValue, "without a path, value must be an object with the attributes to change, found \(value.summary).")
      }
    }
    self.init(kind: kind, path: path, value: value)
  }

  fileprivate var json: JSON {
    var object: JSONObject = ["op": .string(kind.rawValue)]
    if let path { object["path"] = .string(path.description) }
    if let value { object["value"] = value }
    return .object(object)
  }
}

extension Patch.Operation {
  /// The steps that do not depend on the resource: the comparisons of the filter, and the attributes in the value.
  var steps: Int {
    1 + (path?.filter?.expression.attributePaths.count ?? 0) + (value?.object?.namedAttributes ?? 0)
  }
}

extension JSONObject {
  /// The number of keys in this and nested objects; arrays are not searched.
  fileprivate var namedAttributes: Int { members.reduce(count) { $0 + ($1.value.object?.namedAttributes ?? 0) } }
}

extension Patch {
  /// Checks the steps of the operations that do not depend on the resource.
  ///
  /// - Throws: `tooMany` if the operations exceed the budget.
  public func checkSteps(within budget: StepBudget = StepBudget()) throws(SCIMError) {
    var budget = budget
    for operation in operations { try budget.spend(operation.steps) }
  }
}
