using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>The tiny decoder, uploaded as any user would, open, and known to every replica as open.</summary>
public sealed class ChatModel(Platform platform) : IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public string Name { get; } = $"tiny-{Guid.NewGuid():N}"[..16];

    /// <summary>The same, but no answer of it ever ends by itself.</summary>
    public string Endless { get; } = $"endless-{Guid.NewGuid():N}"[..16];

    public async ValueTask InitializeAsync()
    {
        using var admin = platform.Admin();
        foreach (var (name, files) in ((string, (string, byte[])[])[])[
            (Name, TinyDecoder.Files()), (Endless, TinyDecoder.Files(ends: false))])
        {
            var version = await UploadAsync(admin, name, files);
            Assert.True(version.GetProperty("state").GetString() == "ready", version.ToString());
        }

        await OpenAsync(admin, Name, tokens: 12, leastTexts: 1);
        await OpenAsync(admin, Endless, tokens: 2000, leastTexts: 4);
    }

    public async ValueTask DisposeAsync()
    {
        using var admin = platform.Admin();
        foreach (var name in (string[])[Name, Endless])
        {
            using var deleted = await admin.DeleteAsync($"/v1/models/{name}");
        }
    }

    /// <summary>Uploads a version, and waits until it is inspected.</summary>
    public static async Task<JsonElement> UploadAsync(HttpClient admin, string model, (string Name, byte[] Content)[] files)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, content) in files)
        {
            form.Add(new ByteArrayContent(content), "file", name);
        }

        using var uploaded = await admin.PostAsync($"/v1/models/{model}/versions", form, Cancellation);
        Assert.True(uploaded.StatusCode == HttpStatusCode.Accepted, await uploaded.Content.ReadAsStringAsync(Cancellation));
        var version = default(JsonElement);
        await Wait.UntilAsync(async () =>
        {
            using var response = await admin.GetAsync($"/v1/models/{model}/versions/1", Cancellation);
            version = await response.JsonAsync();
            return version.GetProperty("state").GetString() != "pending";
        });
        return version;
    }

    /// <summary>The data of a stream's events, in order; comments are none.</summary>
    public static string[] Events(string body) =>
        [.. body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(e => e[0] != ':').Select(e => e["data: ".Length..])];

    /// <summary>The texts of a chat's events, in order; the first one's is empty.</summary>
    public static string[] Texts(IEnumerable<string> events) =>
        [.. events.Where(e => e != "[DONE]").Select(e => JsonDocument.Parse(e).RootElement)
            .Where(e => e.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0)
            .Select(e => e.GetProperty("choices")[0].GetProperty("delta"))
            .Where(d => d.TryGetProperty("content", out _)).Select(d => d.GetProperty("content").GetString()!)];

    // The first request opens it; once a replica is told that it is open, long answers of that replica come in parts.
    private static Task OpenAsync(HttpClient admin, string model, int tokens, int leastTexts) => admin.OnEachReplicaAsync(
        () => new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = JsonContent.Create(new
            {
                model,
                messages = new[] { new { role = "user", content = "Hello there" } },
                max_tokens = tokens,
                temperature = 0,
                stream = true,
            }),
        },
        async response => Texts(Events(await response.Content.ReadAsStringAsync(Cancellation))).Length >= leastTexts);
}
