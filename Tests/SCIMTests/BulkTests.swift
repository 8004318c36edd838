import SCIM
import Testing

@Suite("Bulk requests")
struct BulkTests {
  private func request(_ operations: String, _ rest: String = "") throws -> BulkRequest {
    try BulkRequest(
      JSON(parsing: Array(#"{"schemas":["\#(MessageSchema.bulkRequest)"],\#(rest)"Operations":[\#(operations)]}"#.utf8)),
      maximumOperations: 5)
  }

  @Test("The operations of RFC 7644 §3.7 are parsed")
  func reading() throws {
    let read = try request(
      """
      {"method":"POST","path":"/Users","bulkId":"qwerty","data":{"userName":"Alice"}},
      {"method":"put","path":"Users/b7c14771","version":"W/\\"4weymrEsh5O6cAEK\\"","data":{}},
      {"method":"PATCH","path":"/Users/5d8d29d3","bulkId":null,"data":{}},
      {"method":"DELETE","path":"/Users/e9025315","version":"W/\\"0ee8add0a938e1a\\""}
      """, #""failOnErrors":1,"#)
    #expect(read.failOnErrors == 1)
    let operations = try read.operations.map { try $0.get() }
    #expect(operations.map(\.method) == [.post, .put, .patch, .delete])
    #expect(operations.map(\.path) == ["/Users", "/Users/b7c14771", "/Users/5d8d29d3", "/Users/e9025315"])
    #expect(operations.map(\.bulkID) == ["qwerty", nil, nil, nil])
    #expect(operations[1].version == #"W/"4weymrEsh5O6cAEK""#)
    #expect(operations[3].data == nil)
  }

  @Test(
    "A body that is not a bulk request is rejected",
    arguments: [
      ("[]", SCIMErrorType.invalidSyntax), ("{}", .invalidSyntax), (#"{"schemas":["urn:x"],"Operations":[{}]}"#, .invalidSyntax),
      (#"{"schemas":["\#(MessageSchema.bulkRequest)"],"Operations":[]}"#, .invalidSyntax),
      (#"{"schemas":["\#(MessageSchema.bulkRequest)"],"Operations":{}}"#, .invalidSyntax),
      (#"{"schemas":["\#(MessageSchema.bulkRequest)"],"failOnErrors":0,"Operations":[{}]}"#, .invalidValue),
      (#"{"schemas":["\#(MessageSchema.bulkRequest)"],"failOnErrors":"1","Operations":[{}]}"#, .invalidValue),
    ] as [(String, SCIMErrorType)])
  func refusedWhole(text: String, type: SCIMErrorType) throws {
    let json = try JSON(parsing: Array(text.utf8))
    let error = #expect(throws: SCIMError.self) { try BulkRequest(json, maximumOperations: 5) }
    #expect(error?.status == 400)
    #expect(error?.scimType == type)
  }

  @Test("Too many operations are rejected with both numbers")
  func tooMany() throws {
    #expect(try request(Array(repeating: "{}", count: 5).joined(separator: ",")).operations.count == 5)
    let error = #expect(throws: SCIMError.self) { try request(Array(repeating: "{}", count: 6).joined(separator: ",")) }
    #expect(error?.status == 413)
    #expect(error?.detail.contains("6") == true && error?.detail.contains("5") == true)
  }

  @Test(
    "An invalid operation is rejected at its position with the reason",
    arguments: [
      ("1", "object"), (#"{"path":"/Users"}"#, "method"), (#"{"method":"GET","path":"/Users"}"#, "method"),
      (#"{"method":"DELETE"}"#, "path"), (#"{"method":"POST","path":"/Users","data":{}}"#, "bulkId"),
      (#"{"method":"POST","path":"/Users","bulkId":7,"data":{}}"#, "bulkId"),
      (#"{"method":"POST","path":"/Users","bulkId":"","data":{}}"#, "bulkId"),
      (#"{"method":"PUT","path":"/Users/1"}"#, "data"), (#"{"method":"PATCH","path":"/Users/1","data":null}"#, "data"),
      (#"{"method":"DELETE","path":"/Users/1","version":3}"#, "version"),
      (#"{"method":"POST","path":"/Users","bulkId":"first","data":{}}"#, "first"),
    ])
  func refusedInPlace(text: String, mention: String) throws {
    let first = #"{"method":"POST","path":"/Users","bulkId":"first","data":{}}"#
    let read = try request("\(first),\(text),\(first.replacing("first", with: "last"))")
    #expect(throws: Never.self) { try read.operations[0].get() }
    #expect(throws: Never.self) { try read.operations[2].get() }
    let error = #expect(throws: BulkRequest.InvalidOperation.self) { try read.operations[1].get() }
    #expect(error?.error.status == 400)
    #expect(error?.error.detail.contains(mention) == true, "\(error?.error.detail ?? "")")
  }

  @Test("References are replaced in values and in the filters of paths")
  func references() throws {
    var references = BulkReferences { ["ana": "1", "b c": "2"][$0] }
    let json: JSON = [
      "displayName": "about bulkId:ana", "members": [["value": "bulkId:ana"], ["value": "bulkId:b c"]], "count": 1,
      "path": #"members[value eq "bulkId:ana" or value eq "bulkId:b c"].x"#,
    ]
    #expect(
      try references.resolve(json) == [
        "displayName": "about bulkId:ana", "members": [["value": "1"], ["value": "2"]], "count": 1,
        "path": #"members[value eq "1" or value eq "2"].x"#,
      ])
    #expect(references.names == ["ana", "b c"])
    let error = #expect(throws: SCIMError.self) { try references.resolve(["value": "bulkId:zoe"] as JSON) }
    #expect(error?.scimType == .invalidValue)
    #expect(error?.detail.contains("bulkId:zoe") == true)
  }

  @Test(
    "Referenced operations come first, others keep their order, and circular references are one unit",
    arguments: [
      ([[], [], []], [[0], [1], [2]]), ([[2], [], []], [[1], [2], [0]]), ([[1], [2], []], [[2], [1], [0]]),
      ([[2], [0], []], [[2], [0], [1]]), ([[1], [0], []], [[0, 1], [2]]), ([[3], [2], [3], [1]], [[1, 2, 3], [0]]),
      ([[0], []], [[0], [1]]), ([[2, 1], [2], []], [[2], [1], [0]]), ([[1], [0], [3], [2]], [[0, 1], [2, 3]]),
      ([[2], [0], [1], [0]], [[0, 1, 2], [3]]), ([], []),
    ])
  func order(needs: [[Int]], expected: [[Int]]) {
    let units = BulkOrder.units(needs: needs)
    #expect(units.map(\.operations) == expected)
    for unit in units { #expect(unit.isCircular == (unit.operations.count > 1 || needs[unit.operations[0]].contains(unit.operations[0]))) }
  }

  @Test("A chain of the maximum length is sorted")
  func chain() {
    let needs = (0..<1000).map { $0 < 999 ? [$0 + 1] : [] }
    #expect(BulkOrder.units(needs: needs).flatMap(\.operations) == Array((0..<1000).reversed()))
  }
}
