namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>
/// A tenant's limits by themselves, for what does not pass the admission of a queue. Keys and values are those of
/// <see cref="Tenants.TenantKeys"/>.
/// </summary>
public static class TenantScripts
{
    public static RedisScript Take { get; } = Of("tenant", "tenant-take");

    public static RedisScript Peek { get; } = Of("tenant", "tenant-peek");

    /// <summary>Undoes what admission counted for a request, whose id comes behind the other values: it was refused after all.</summary>
    public static RedisScript Undo { get; } = Of("tenant", "tenant-undo");

    /// <summary>Takes one back from a month's inferences; the only key is the month's. Answers what is left, -1 where nothing was known.</summary>
    public static RedisScript Refund { get; } = Of("tenant-refund");

    private static RedisScript Of(params string[] parts) => new(typeof(TenantScripts), parts);
}
