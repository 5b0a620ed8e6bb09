using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceTemplate.Bench.Servers;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Live;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Bench.Parts;

/// <summary>
/// The Api's processor time under open dashboards: the code that runs for each open overview in Web, without browsers, which would
/// only take the processor from the Api.
/// </summary>
internal static class DashboardsPart
{
    private const int Pages = 50;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        var time = stage.Options.Quick ? TimeSpan.FromSeconds(20) : TimeSpan.FromSeconds(60);
        stage.Report.Section($"{Pages} open dashboards: processor time of the Api over {time.TotalSeconds:0} s, without other traffic");
        using var http = new HttpClient { BaseAddress = product.Api };
        var keys = await KeysAsync(product);
        var one = await SessionsAsync(http, [.. Enumerable.Repeat(keys[0], Pages)]);
        var own = await SessionsAsync(http, keys);

        // The runtime compiles hot code again while it is new.
        await OpenAsync(http, own, time, product);
        var none = await OpenAsync(http, [], time, product);
        stage.Report.Add("dashboards.none", none, "% of a core");
        foreach (var (name, sessions) in new[] { ("one-key", one), ("own-keys", own) })
        {
            var used = await OpenAsync(http, sessions, time, product);
            stage.Report.Add($"dashboards.{name}", used, "% of a core");
            stage.Report.Add($"dashboards.{name}.cost", used - none, "% of a core more than without");
        }
    }

    private static async Task<double> OpenAsync(HttpClient http, IReadOnlyList<Session> sessions, TimeSpan time, Product product)
    {
        var reads = new SharedReads(TimeProvider.System);
        var transport = new ApiTransport(http, TimeProvider.System);
        using var closed = new CancellationTokenSource();
        var shared = new SharedOverview(
            new InferenceApi(transport, transport), new AdministrationApi(transport), reads, TimeProvider.System);
        var pages = sessions.Select((session, place) =>
            WatchAsync(shared, session, OverviewMonitor.Interval * place / Pages, closed.Token)).ToList();

        // Opening is not watching.
        await Task.Delay(TimeSpan.FromSeconds(3), CancellationToken.None);
        using var api = (await ProductProcesses.FindAsync(product)).Single(process => process.Name == "api").Process;
        var (start, before) = (Stopwatch.GetTimestamp(), api.TotalProcessorTime);
        await Task.Delay(time, CancellationToken.None);
        api.Refresh();
        var used = 100 * (api.TotalProcessorTime - before) / Stopwatch.GetElapsedTime(start);
        await closed.CancelAsync();
        await Task.WhenAll(pages);
        return used;
    }

    // As the overview does, with its charts set to an hour.
    private static async Task WatchAsync(SharedOverview shared, Session session, TimeSpan after, CancellationToken closed)
    {
        var monitor = new OverviewMonitor(shared, TimeProvider.System);
        long? readAt = null;
        try
        {
            await Task.Delay(after, closed);
            using var timer = new PeriodicTimer(OverviewMonitor.Interval);
            do
            {
                if (!await monitor.PollAsync(session, closed) || monitor.Failure is not null)
                {
                    throw new InvalidOperationException($"The dashboard of {session.Name} shows no overview. {monitor.Detail}");
                }

                if (readAt is null || Stopwatch.GetElapsedTime(readAt.Value) >= SharedOverview.Slow)
                {
                    readAt = Stopwatch.GetTimestamp();
                    var changes = await shared.GetChangesAsync(session, "1h", closed);
                    var history = await shared.GetHistoryAsync(session, "1h", closed);
                    if (changes.Failure is not null || history.Failure is not null)
                    {
                        throw new InvalidOperationException(
                            $"The dashboard of {session.Name} has no history. {changes.Detail}{history.Detail}");
                    }
                }
            }
            while (await timer.WaitForNextTickAsync(closed));
        }
        catch (OperationCanceledException) when (closed.IsCancellationRequested)
        {
            // The page was closed.
        }
    }

    private static async Task<IReadOnlyList<string>> KeysAsync(Product product)
    {
        using var admin = product.Client();
        var keys = new List<string>();
        for (var i = 0; i < Pages; i++)
        {
            using var made = await admin.PostAsJsonAsync("/v1/keys", new { name = $"viewer-{i}", role = "user" });
            made.EnsureSuccessStatusCode();
            using var body = JsonDocument.Parse(await made.Content.ReadAsStringAsync());
            keys.Add(body.RootElement.GetProperty("key").GetString()!);
        }

        return keys;
    }

    private static async Task<IReadOnlyList<Session>> SessionsAsync(HttpClient http, IReadOnlyList<string> keys)
    {
        var sessions = new List<Session>();
        foreach (var key in keys)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/auth/token")
            {
                Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) },
            };
            using var answer = await http.SendAsync(request);
            answer.EnsureSuccessStatusCode();
            var token = await JsonSerializer.DeserializeAsync(await answer.Content.ReadAsStreamAsync(), ApiJson.Default.AccessToken);
            sessions.Add(Session.From(token!, key, DateTimeOffset.UtcNow));
        }

        return sessions;
    }
}
