import EdgeHTTP
import EdgeReads
import SCIM

/// JSON for a person to read: a member a line, in the order in which they came.
enum PrettyJSON {
  static func text(_ json: JSON) -> String {
    var text = ""
    write(json, indentation: "", to: &text)
    return text
  }

  private static func write(_ json: JSON, indentation: String, to text: inout String) {
    let inner = indentation + "  "
    switch json {
    case .object(let object) where !object.isEmpty:
      text += "{"
      for (index, member) in object.members.enumerated() {
        text += "\(index == 0 ? "" : ",")\n\(inner)\(plain(.string(member.key))): "
        write(member.value, indentation: inner, to: &text)
      }
      text += "\n\(indentation)}"
    case .array(let elements) where !elements.isEmpty:
      text += "["
      for (index, element) in elements.enumerated() {
        text += "\(index == 0 ? "" : ",")\n\(inner)"
        write(element, indentation: inner, to: &text)
      }
      text += "\n\(indentation)]"
    default: text += plain(json)
    }
  }

  private static func plain(_ json: JSON) -> String { String(decoding: json.serialized(), as: UTF8.self) }
}
