using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Data.Catalog;

/// <summary>
/// Tells every process that the registry has changed, so that it is seen at once. A lost word costs a second: the
/// catalogue is read again anyway.
/// </summary>
public sealed partial class CatalogChangeNotifier(
    SignalChannel channel, ModelCatalog catalog, ILogger<CatalogChangeNotifier> logger) : IHostedService
{
    private const string Channel = "inference:catalog";

    private IAsyncDisposable? _subscription;

    public async Task StartAsync(CancellationToken cancellationToken) =>
        _subscription = await channel.SubscribeAsync(Channel, () => _ = RefreshAsync());

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_subscription is not null)
        {
            await _subscription.DisposeAsync();
        }
    }

    /// <summary>To be called after the change is committed. Returns when this process knows of it.</summary>
    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        try
        {
            await channel.PublishAsync(Channel);
        }
        catch (QueueUnavailableException exception)
        {
            LogUnheard(exception.InnerException!.Message);
        }

        await catalog.RefreshAsync(cancellationToken);
    }

    private async Task RefreshAsync()
    {
        try
        {
            await catalog.RefreshAsync(CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogNotRead(exception.Message);
        }
    }

    [LoggerMessage(
        LogLevel.Warning, "Other processes could not be told of a change in the registry; they see it within a second: {Reason}")]
    private partial void LogUnheard(string reason);

    [LoggerMessage(LogLevel.Warning, "The registry has changed but can't be read: {Reason}")]
    private partial void LogNotRead(string reason);
}
