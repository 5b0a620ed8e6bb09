using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(InferenceTemplate.Tests.AppHost.SharedPlatform))]

namespace InferenceTemplate.Tests.AppHost;

/// <summary>One started platform for all tests of this assembly: they look at it, or change what no other one reads.</summary>
public sealed class SharedPlatform : Platform
{
    public ResourceNotificationService Notifications => App.Services.GetRequiredService<ResourceNotificationService>();

    public IResource Resource(string name) =>
        Resource(App, name);

    public Task<ExecuteCommandResult> CommandAsync(string resource, string command, params (string Name, string Value)[] arguments) =>
        CommandAsync(App, resource, command, arguments);

    /// <summary>Runs a command as the dashboard and the Aspire CLI do.</summary>
    public static Task<ExecuteCommandResult> CommandAsync(
        DistributedApplication app, string resource, string command, params (string Name, string Value)[] arguments) =>
        app.Services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(
            Resource(app, resource),
            command,
            new InteractionInputCollection(
            [
                .. arguments.Select(
                    argument => new InteractionInput { Name = argument.Name, Value = argument.Value, InputType = InputType.Text }),
            ]),
            TestContext.Current.CancellationToken);

    /// <summary>The state of a resource as the dashboard shows it.</summary>
    public CustomResourceSnapshot Snapshot(string resource) =>
        Notifications.TryGetCurrentState(resource, out var now)
            ? now.Snapshot
            : throw new InvalidOperationException($"{resource} has no state, or several");

    public Task<ResourceEvent> WaitAsync(string resource, Func<CustomResourceSnapshot, bool> until) =>
        Notifications.WaitForResourceAsync(resource, now => until(now.Snapshot), TestContext.Current.CancellationToken)
            .WaitAsync(Wait.DefaultLimit, TestContext.Current.CancellationToken);

    /// <summary>Names and paths of a service's pages.</summary>
    public async Task<IReadOnlyList<(string Name, string Path)>> PagesAsync(string service)
    {
        var replica = (await WaitAsync(service, now => now.Urls.Any(url => !url.IsInactive))).Snapshot;
        return [.. replica.Urls.Where(url => !url.IsInternal)
            .Select(url => (url.DisplayProperties.DisplayName, new Uri(url.Url).AbsolutePath))];
    }

    private static IResource Resource(DistributedApplication app, string name) =>
        app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(resource => resource.Name == name);
}
