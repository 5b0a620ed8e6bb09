using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Publishing;

/// <summary>What a publishing step works on.</summary>
internal sealed record PublishingStepContext(
    IServiceProvider Services,
    DistributedApplicationModel Model,
    DistributedApplicationExecutionContext ExecutionContext,
    string OutputPath,
    CancellationToken CancellationToken);

/// <summary>The steps that --step can name, in publish mode; a step runs after those that it needs.</summary>
internal sealed class PublishingPipeline
{
    private readonly ConcurrentDictionary<string, (Func<PublishingStepContext, Task> Action, List<string> Needs)> _steps =
        new(StringComparer.OrdinalIgnoreCase);

    public PublishingPipeline()
    {
        AddStep("publish", _ => Task.CompletedTask);
        AddStep("publish-manifest", ManifestPublisher.PublishAsync);
    }

    public void AddStep(string name, Func<PublishingStepContext, Task> action, string? requiredBy = null)
    {
        _steps[name] = (action, []);
        if (requiredBy is not null)
            _steps[requiredBy].Needs.Add(name);
    }

    public async Task ExecuteAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        var name = configuration["Pipeline:Step"] ?? "publish";
        var output = configuration["Pipeline:OutputPath"]
            ?? throw new DistributedApplicationException("Publishing needs --output-path: where to write.");
        var context = new PublishingStepContext(
            services,
            services.GetRequiredService<DistributedApplicationModel>(),
            services.GetRequiredService<DistributedApplicationExecutionContext>(),
            Path.GetFullPath(output),
            cancellationToken);
        await ExecuteAsync(name, context, new HashSet<string>(StringComparer.OrdinalIgnoreCase));
    }

    private async Task ExecuteAsync(string name, PublishingStepContext context, HashSet<string> done)
    {
        if (!_steps.TryGetValue(name, out var step))
            throw new DistributedApplicationException($"There is no step '{name}'; there are: {string.Join(", ", _steps.Keys.Order(StringComparer.Ordinal))}.");

        if (!done.Add(name)) return;

        foreach (var need in step.Needs)
            await ExecuteAsync(need, context, done);

        await step.Action(context);
    }
}
