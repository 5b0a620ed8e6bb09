using System.Text.Json;
using InferenceTemplate.Api.Payloads;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Tests.Unit.Api.Payloads;

public sealed class PendingPayloadTests
{
    private static readonly Prediction s_record = new()
    {
        Id = Guid.Parse("0198f0b4-0000-7000-8000-0000000000f5"),
        ReceivedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        TenantId = "acme",
        Model = "digits",
        Version = "1",
        Status = 200,
        Role = "stable",
        Priority = "normal",
    };

    [Fact]
    public void Envelope_is_a_cloud_event_with_the_tensors_as_they_were()
    {
        var memory = new byte[] { 0, 0, 0xC0, 0x7F, 1, 2, 3, 4 };
        var payload = PendingPayload.Of(
            s_record, new PayloadSettings(), [new Tensor("x", Datatype.Fp32, [1, 2], memory)],
            [new Tensor("y", Datatype.Uint8, [0], default)]);
        Array.Clear(memory);

        Assert.Equal(
            """
            {"specversion":"1.0","id":"0198f0b4-0000-7000-8000-0000000000f5","source":"/v2/models/digits/versions/1",
            "type":"inference.request.answered","time":"2026-01-02T03:04:05.0000000Z","datacontenttype":"application/json",
            "data":{"status":200,"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"raw":"AADAfwECAwQ="}],
            "outputs":[{"name":"y","datatype":"UINT8","shape":[0],"raw":""}]}}
            """.ReplaceLineEndings(""),
            System.Text.Encoding.UTF8.GetString(payload.Envelope()));
    }

    [Fact]
    public void Redacted_tensors_are_only_named_whether_they_came_in_or_went_out()
    {
        Tensor[] tensors =
            [new("secret", Datatype.Uint8, [3], new byte[] { 1, 2, 3 }), new("known", Datatype.Uint8, [1], new byte[] { 9 })];

        var data = Data(PendingPayload.Of(s_record, new PayloadSettings { Redact = ["secret"] }, tensors, tensors));

        foreach (var side in (string[])["inputs", "outputs"])
        {
            Assert.Equal("""{"name":"secret","omitted":"redacted"}""", data.GetProperty(side)[0].GetRawText());
            Assert.Equal("CQ==", data.GetProperty(side)[1].GetProperty("raw").GetString());
        }
    }

    [Fact]
    public void Tensors_beyond_the_bound_are_told_without_their_data_and_smaller_ones_are_kept()
    {
        var fits = new Tensor("fits", Datatype.Uint8, [PendingPayload.MaxBytes - 1], new byte[PendingPayload.MaxBytes - 1]);
        var large = new Tensor("large", Datatype.Uint8, [2], new byte[2]);
        var last = new Tensor("last", Datatype.Uint8, [1], new byte[1]);

        var data = Data(PendingPayload.Of(s_record, new PayloadSettings(), [fits, large], [last]));

        Assert.Equal(
            """{"name":"large","datatype":"UINT8","shape":[2],"omitted":"too_large"}""", data.GetProperty("inputs")[1].GetRawText());
        Assert.Equal("AA==", data.GetProperty("outputs")[0].GetProperty("raw").GetString());
    }

    private static JsonElement Data(PendingPayload payload)
    {
        using var document = JsonDocument.Parse(payload.Envelope());
        return document.RootElement.GetProperty("data").Clone();
    }
}
