using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>What callers send and get is kept only where a model's settings say so, and read only by admins of their tenant.</summary>
public sealed class PayloadTests(Platform platform)
{
    private const string Body = """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Payload_is_kept_by_policy_without_what_is_redacted_and_its_reading_is_audited()
    {
        using var admin = platform.Admin();
        var model = await UploadedModel.WithVersionsAsync(admin, 1);
        var before = await InferAsync(admin, model);
        await SetAsync(admin, model, """{"payload":{"mode":"full","redact":["y"]}}""");

        var id = await InferAsync(admin, model);
        var wait = Wait.For("the payload");
        HttpResponseMessage read;
        while ((read = await admin.GetAsync($"/v1/requests/{id}/payload", Cancellation)).StatusCode != HttpStatusCode.OK)
        {
            // Settings may not have come to every replica yet, and what was sent meanwhile is not kept.
            read.Dispose();
            id = await InferAsync(admin, model);
            await wait.PauseAsync();
        }

        using (read)
        {
            Assert.Equal("application/cloudevents+json", read.Content.Headers.ContentType!.MediaType);
            var envelope = await read.JsonAsync();
            Assert.Equal(("1.0", id), (envelope.GetProperty("specversion").GetString(), envelope.GetProperty("id").GetString()));
            var data = envelope.GetProperty("data");
            Assert.Equal("AACAPwAAAEAAAEBAAACAQA==", data.GetProperty("inputs")[0].GetProperty("raw").GetString());
            Assert.Equal("""{"name":"y","omitted":"redacted"}""", data.GetProperty("outputs")[0].GetRawText());
        }

        using var none = await admin.GetAsync($"/v1/requests/{before}/payload", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        var tenant = await TestTenant.CreateAsync(platform);
        using var user = await tenant.ClientAsync();
        using var refused = await user.GetAsync($"/v1/requests/{id}/payload", Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        using var history = await admin.GetAsync($"/v1/models/{model}/events", Cancellation);
        Assert.Contains(
            (await history.JsonAsync()).GetProperty("events").EnumerateArray(),
            e => e.GetProperty("kind").GetString() == "payload_changed"
                && e.GetProperty("details").GetString() == "full, share 1, 7 days, without y; before: off");
        await Wait.UntilAsync(async () =>
        {
            using var audit = await admin.GetAsync("/v1/audit?action=payload.read&limit=100", Cancellation);
            return (await audit.Content.ReadAsStringAsync(Cancellation)).Contains(id!, StringComparison.Ordinal);
        });
        await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Payload_of_another_tenant_is_not_found_by_an_admin()
    {
        using var admin = platform.Admin();
        var model = await UploadedModel.WithVersionsAsync(admin, 1);
        await SetAsync(admin, model, """{"payload":{"mode":"full"}}""");
        var tenant = await TestTenant.CreateAsync(platform);
        using var caller = await tenant.ClientAsync();
        var wait = Wait.For("an own payload, which shows that they are kept");
        var id = await InferAsync(caller, model);
        while (true)
        {
            id = await InferAsync(caller, model);
            var own = await InferAsync(admin, model);
            await wait.PauseAsync();
            using var read = await admin.GetAsync($"/v1/requests/{own}/payload", Cancellation);
            if (read.StatusCode == HttpStatusCode.OK)
            {
                break;
            }
        }

        using var another = await admin.GetAsync($"/v1/requests/{id}/payload", Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, another.StatusCode);
        await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    // The id of its record.
    private static async Task<string?> InferAsync(HttpClient client, string model)
    {
        using var answer = await client.PostAsync($"/v2/models/{model}/infer", Digits.Json(Body), Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var trace = answer.Headers.GetValues("X-Correlation-Id").Single();
        var wait = Wait.For("the record of a request");
        while (true)
        {
            using var list = await client.GetAsync($"/v1/requests?trace={trace}", Cancellation);
            var found = (await list.JsonAsync()).GetProperty("requests");
            if (found.GetArrayLength() > 0)
            {
                return found[0].GetProperty("id").GetString();
            }

            await wait.PauseAsync();
        }
    }

    private static async Task SetAsync(HttpClient admin, string model, string settings)
    {
        using var set = await admin.PutAsync($"/v1/models/{model}/settings", Digits.Json(settings), Cancellation);
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
    }
}
