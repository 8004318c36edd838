import Foundation

/// The JSON coding of messages and settings: sorted keys, and times as ``Timestamp``.
public enum JSONData {
  /// Encodes a value.
  ///
  /// - Throws: The error of `JSONEncoder`.
  public static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .custom { date, encoder in
      var container = encoder.singleValueContainer()
      try container.encode(Timestamp.text(date))
    }
    return [UInt8](try encoder.encode(value))
  }

  /// A decoder, for callers that need the `DecodingError`.
  public static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .custom { decoder in
      let container = try decoder.singleValueContainer()
      let text = try container.decode(String.self)
      guard let date = Timestamp.date(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not an RFC 3339 time")
      }
      return date
    }
    return decoder
  }

  /// Decodes a value.
  ///
  /// - Parameter type: The type of the message, for the error.
  /// - Throws: ``MessageError/undecodable(type:reason:)`` that names the missing or wrong key.
  public static func decode<Value: Decodable>(_: Value.Type = Value.self, from data: [UInt8], type: String) throws(MessageError) -> Value {
    do {
      return try decoder().decode(Value.self, from: Data(data))
    } catch let error as DecodingError {
      throw .undecodable(type: type, reason: error.reason)
    } catch {
      throw .undecodable(type: type, reason: "\(error)")
    }
  }
}

extension DecodingError {
  fileprivate var reason: String {
    func path(_ context: Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
    return switch self {
    case .keyNotFound(let key, let context): "'\((context.codingPath + [key]).map(\.stringValue).joined(separator: "."))' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      "at '\(path(context))': \(context.debugDescription)"
    @unknown default: "\(self)"
    }
  }
}
