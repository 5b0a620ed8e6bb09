using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Core.Queue;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Fleet;

/// <summary>
/// Who is alive: each process writes its status every second under a key that expires, so one that dies without a word
/// is gone from the list five seconds later. Redis keeps the time; clocks need not agree.
/// </summary>
public sealed class FleetRegistry(IConnectionMultiplexer redis)
{
    private const string Apis = "inference:fleet:apis";
    private const string Workers = "inference:fleet:workers";

    private const string DrainOrders = "inference:fleet:drain";

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    // A worker looks every second, and knows from then on by itself.
    private static readonly TimeSpan OrderLifetime = TimeSpan.FromMinutes(1);

    public Task ReportAsync(ApiStatus status) => ReportAsync(Apis, status.Id, status, FleetJson.Default.ApiStatus);

    public Task ReportAsync(WorkerStatus status) => ReportAsync(Workers, status.Id, status, FleetJson.Default.WorkerStatus);

    /// <summary>Takes a worker off the list at once, when it stops in good order.</summary>
    public Task LeaveAsync(WorkerStatus status) => LeaveAsync(Workers, status.Id);

    /// <summary>Takes an Api replica off the list at once, when it stops in good order.</summary>
    public Task LeaveAsync(ApiStatus status) => LeaveAsync(Apis, status.Id);

    public Task<IReadOnlyList<ApiStatus>> ApisAsync() => ListAsync(Apis, FleetJson.Default.ApiStatus);

    public Task<IReadOnlyList<WorkerStatus>> WorkersAsync() => ListAsync(Workers, FleetJson.Default.WorkerStatus);

    /// <summary>Orders a worker to drain, or to take work again; the last order counts.</summary>
    public Task OrderDrainAsync(string worker, bool drained) =>
        OnRedisAsync(database => database.StringSetAsync($"{DrainOrders}:{worker}", drained, OrderLifetime));

    /// <summary>What a worker was ordered last; null where that was long ago, or never.</summary>
    public Task<bool?> DrainOrderAsync(string worker) =>
        OnRedisAsync(async database => (bool?)await database.StringGetAsync($"{DrainOrders}:{worker}"));

    private Task<bool> ReportAsync<T>(string kind, string id, T status, JsonTypeInfo<T> json) => OnRedisAsync(async database =>
    {
        var text = JsonSerializer.Serialize(status, json);
        await Task.WhenAll(database.SetAddAsync(kind, id), database.StringSetAsync($"{kind}:{id}", text, Lifetime));
        return true;
    });

    private Task<bool> LeaveAsync(string kind, string id) => OnRedisAsync(async database =>
    {
        await Task.WhenAll(database.SetRemoveAsync(kind, id), database.KeyDeleteAsync($"{kind}:{id}"));
        return true;
    });

    private Task<IReadOnlyList<T>> ListAsync<T>(string kind, JsonTypeInfo<T> json) => OnRedisAsync<IReadOnlyList<T>>(async database =>
    {
        var ids = await database.SetMembersAsync(kind);
        if (ids.Length == 0)
        {
            return [];
        }

        var texts = await database.StringGetAsync([.. ids.Select(id => (RedisKey)$"{kind}:{id}")]);
        var gone = ids.Where((_, i) => texts[i].IsNull).ToArray();
        if (gone.Length > 0)
        {
            await database.SetRemoveAsync(kind, gone);
        }

        return [.. texts.Where(t => !t.IsNull).Select(t => JsonSerializer.Deserialize((string)t!, json)!)];
    });

    private async Task<T> OnRedisAsync<T>(Func<IDatabase, Task<T>> action)
    {
        try
        {
            return await action(redis.GetDatabase());
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }
}
