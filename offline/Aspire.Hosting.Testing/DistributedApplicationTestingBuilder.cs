using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>
/// Runs the Main of an AppHost for a test: with random ports, with its launch profile's configuration, and with data of its own in
/// a temporary directory, which goes with the application. Offline:DataDirectory among the arguments keeps it elsewhere.
/// </summary>
public static class DistributedApplicationTestingBuilder
{
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : class =>
        CreateAsync<TEntryPoint>([], cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : class =>
        CreateAsync<TEntryPoint>(args, (_, _) => { }, cancellationToken);

    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
        CancellationToken cancellationToken = default)
        where TEntryPoint : class
    {
        var run = new EntryPointRun(typeof(TEntryPoint).Assembly, args, configureBuilder);
        return new TestingBuilder(run, await run.DescribeAsync(cancellationToken));
    }
}
