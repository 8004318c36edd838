/// A named correction of one deviation from the RFCs, applied before the engine reads a request.
///
/// The closures return nil if there is nothing to correct.
public struct Normalisation: Sendable {
  /// The name in logs and metrics.
  public let name: String
  let envelope: (@Sendable (_ message: JSONObject, _ schema: ResourceSchema) -> JSONObject?)?
  let value: (@Sendable (_ value: JSON, _ context: ValueContext) -> JSON?)?
  let operation: (@Sendable (_ operation: RawPatchOperation, _ schema: ResourceSchema) -> [RawPatchOperation]?)?
  let patchEnvelope: (@Sendable (_ message: JSONObject) -> JSONObject?)?

  /// The attribute of a value.
  struct ValueContext {
    let definition: AttributeDefinition
    /// The complex attribute that the attribute belongs to.
    let parent: AttributeDefinition?
    /// Whether the value is one of several values of the attribute, rather than all of them.
    let isElement: Bool
  }

  /// Creates a normalisation.
  ///
  /// - Parameters:
  ///   - name: The name in logs and metrics.
  ///   - envelope: Rewrites a resource.
  ///   - value: Rewrites a value of an attribute, in a resource or in an operation of a PATCH.
  ///   - operation: Rewrites an operation of a PATCH; the result can be several operations or none.
  ///   - patchEnvelope: Rewrites the members of a PatchOp message except its operations.
  init(
    _ name: String,
    envelope: (@Sendable (_ message: JSONObject, _ schema: ResourceSchema) -> JSONObject?)? = nil,
    value: (@Sendable (_ value: JSON, _ context: ValueContext) -> JSON?)? = nil,
    operation: (@Sendable (_ operation: RawPatchOperation, _ schema: ResourceSchema) -> [RawPatchOperation]?)? = nil,
    patchEnvelope: (@Sendable (_ message: JSONObject) -> JSONObject?)? = nil
  ) {
    self.name = name
    self.envelope = envelope
    self.value = value
    self.operation = operation
    self.patchEnvelope = patchEnvelope
  }

  /// Corrections of deviations of several providers, or of admins' own mappings.
  static let everySender: [Normalisation] = [
    .missingSchemas, .foreignSchemas, .roleUnderOtherNamespace, .unqualifiedExtension, .upperCaseOperation, .readOnlyInPatchValue,
    .singleObjectForArray, .textForBoolean, .textForNumber, .numberForText, .managerAsText, .textForComplexValue,
  ]

  /// Corrections for every provider that need corrected paths.
  static let last: [Normalisation] = [.removalByValue]

  /// Corrections of Microsoft Entra ID's deviations.
  static let entra: [Normalisation] = [
    .dottedExtension, .pathsAsKeys, .textForBooleanInFilter, .filteredReplaceCreates, .roleAsJSONText,
  ]
}
