/// The object id of one of PostgreSQL's built-in types, as in `pg_type.dat`.
struct TypeID: RawRepresentable, Hashable, Sendable {
  let rawValue: UInt32

  /// The server infers the type.
  static let unspecified = TypeID(rawValue: 0)

  static let bool = TypeID(rawValue: 16)
  static let bytea = TypeID(rawValue: 17)
  static let name = TypeID(rawValue: 19)
  static let int8 = TypeID(rawValue: 20)
  static let int2 = TypeID(rawValue: 21)
  static let int4 = TypeID(rawValue: 23)
  static let text = TypeID(rawValue: 25)
  static let oid = TypeID(rawValue: 26)
  static let json = TypeID(rawValue: 114)
  static let float4 = TypeID(rawValue: 700)
  static let float8 = TypeID(rawValue: 701)
  static let unknown = TypeID(rawValue: 705)
  static let bpchar = TypeID(rawValue: 1042)
  static let varchar = TypeID(rawValue: 1043)
  static let timestamp = TypeID(rawValue: 1114)
  static let timestamptz = TypeID(rawValue: 1184)
  static let uuid = TypeID(rawValue: 2950)
  static let jsonb = TypeID(rawValue: 3802)

  static let boolArray = TypeID(rawValue: 1000)
  static let byteaArray = TypeID(rawValue: 1001)
  static let nameArray = TypeID(rawValue: 1003)
  static let int2Array = TypeID(rawValue: 1005)
  static let int4Array = TypeID(rawValue: 1007)
  static let textArray = TypeID(rawValue: 1009)
  static let varcharArray = TypeID(rawValue: 1015)
  static let int8Array = TypeID(rawValue: 1016)
  static let timestamptzArray = TypeID(rawValue: 1185)
  static let uuidArray = TypeID(rawValue: 2951)
}

extension TypeID: CustomStringConvertible {
  var description: String { Self.names[self] ?? "the type with oid \(rawValue)" }

  private static let names: [TypeID: String] = [
    .bool: "bool", .bytea: "bytea", .name: "name", .int8: "int8", .int2: "int2", .int4: "int4", .text: "text", .oid: "oid",
    .json: "json", .float4: "float4", .float8: "float8", .unknown: "unknown", .bpchar: "bpchar", .varchar: "varchar",
    .timestamp: "timestamp", .timestamptz: "timestamptz", .uuid: "uuid", .jsonb: "jsonb", .boolArray: "bool[]",
    .byteaArray: "bytea[]", .nameArray: "name[]", .int2Array: "int2[]", .int4Array: "int4[]", .textArray: "text[]",
    .varcharArray: "varchar[]", .int8Array: "int8[]", .timestamptzArray: "timestamptz[]", .uuidArray: "uuid[]",
  ]
}
