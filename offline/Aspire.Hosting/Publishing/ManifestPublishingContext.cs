using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes resources as a manifest has them.</summary>
public sealed partial class ManifestPublishingContext(
    DistributedApplicationExecutionContext executionContext,
    string manifestPath,
    Utf8JsonWriter writer,
    CancellationToken cancellationToken = default)
{
    /// <summary>Always to publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    /// <summary>The file.</summary>
    public string ManifestPath { get; } = manifestPath;

    /// <summary>What writes it.</summary>
    public Utf8JsonWriter Writer { get; } = writer;

    /// <summary>Cancelled when publishing is to stop.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;

    internal async Task WriteModelAsync(DistributedApplicationModel model)
    {
        Writer.WriteStartObject();
        Writer.WriteStartObject("resources");

        foreach (var resource in model.Resources)
            await WriteResourceAsync(resource);

        // Such as a server's generated password, which nobody added.
        foreach (var resource in _referenced.Except(model.Resources).ToList())
            await WriteResourceAsync(resource);

        WriteEncodedParameters(null);
        foreach (var (name, conditional) in _conditionals)
        {
            Writer.WriteStartObject(name);
            Writer.WriteString("type", "value.v0");
            Writer.WriteString("connectionString", await conditional.GetValueAsync(CancellationToken) ?? string.Empty);
            Writer.WriteEndObject();
        }

        Writer.WriteEndObject();
        Writer.WriteEndObject();
        await Writer.FlushAsync(CancellationToken);
    }

    private async Task WriteResourceAsync(IResource resource)
    {
        Func<Task>? write = resource switch
        {
            _ when resource.TryGetLastAnnotation<ManifestPublishingCallbackAnnotation>(out var custom) =>
                custom.Callback is null ? null : () => custom.Callback(this),
            ContainerResource container => () => WriteContainerAsync(container),
            ProjectResource project => () => WriteProjectAsync(project),
            ExecutableResource executable => () => WriteExecutableAsync(executable),
            ParameterResource parameter => () => WriteParameter(parameter),
            IResourceWithConnectionString => () =>
            {
                Writer.WriteString("type", "value.v0");
                WriteConnectionString(resource);
                return Task.CompletedTask;
            }
            ,
            _ => () =>
            {
                Writer.WriteString("error", "This resource does not support generation in the manifest.");
                return Task.CompletedTask;
            }
            ,
        };
        if (write is not null)
        {
            Writer.WriteStartObject(resource.Name);
            await write();
            Writer.WriteEndObject();
        }

        if (resource is ParameterResource written)
            WriteEncodedParameters(written);
    }

    private async Task WriteProjectAsync(ProjectResource project)
    {
        Writer.WriteString("type", "project.v0");
        Writer.WriteString("path", RelativePath(project.GetProjectMetadata().ProjectPath));
        await WriteArgumentsAsync(project);
        await WriteEnvironmentAsync(project);
        WriteBindings(project);
    }

    private async Task WriteExecutableAsync(ExecutableResource executable)
    {
        Writer.WriteString("type", "executable.v0");
        WriteConnectionString(executable);
        Writer.WriteString("workingDirectory", RelativePath(executable.WorkingDirectory));
        Writer.WriteString("command", executable.Command);
        await WriteArgumentsAsync(executable);
        await WriteEnvironmentAsync(executable);
        WriteBindings(executable);
    }

    private async Task WriteContainerAsync(ContainerResource container)
    {
        Writer.WriteString("type", "container.v0");
        WriteConnectionString(container);
        var image = container.Annotations.OfType<ContainerImageAnnotation>().Last();
        Writer.WriteString("image", (image.Registry is null ? string.Empty : $"{image.Registry}/") + $"{image.Image}:{image.Tag}");
        if (container.Entrypoint is not null)
            Writer.WriteString("entrypoint", container.Entrypoint);

        await WriteArgumentsAsync(container);
        WriteMounts(container);
        await WriteEnvironmentAsync(container);
        WriteBindings(container);
    }

    private Task WriteParameter(ParameterResource parameter)
    {
        Writer.WriteString("type", "parameter.v0");
        Writer.WriteString("value", $"{{{parameter.Name}.inputs.value}}");
        Writer.WriteStartObject("inputs");
        Writer.WriteStartObject("value");
        Writer.WriteString("type", "string");
        if (parameter.Secret)
            Writer.WriteBoolean("secret", true);

        if (parameter.Default is not null)
        {
            Writer.WriteStartObject("default");
            parameter.Default.WriteToManifest(this);
            Writer.WriteEndObject();
        }

        Writer.WriteEndObject();
        Writer.WriteEndObject();
        return Task.CompletedTask;
    }

    private void WriteConnectionString(IResource resource)
    {
        if (resource is IResourceWithConnectionString { ConnectionStringExpression: var expression })
            Writer.WriteString("connectionString", Expression(expression, expression.ValueExpression));
    }

    private async Task WriteArgumentsAsync(IResource resource)
    {
        var arguments = await Evaluation.ArgumentsAsync(resource, ExecutionContext, CancellationToken);
        if (arguments.Count > 0)
        {
            Writer.WriteStartArray("args");
            arguments.ForEach(a => Writer.WriteStringValue(Expression(a.Source, a.Text)));
            Writer.WriteEndArray();
        }
    }

    private async Task WriteEnvironmentAsync(IResource resource)
    {
        var variables = await Evaluation.EnvironmentAsync(resource, ExecutionContext, CancellationToken);
        if (variables.Count > 0)
        {
            Writer.WriteStartObject("env");
            variables.ForEach(v => Writer.WriteString(v.Key, Expression(v.Source, v.Text)));
            Writer.WriteEndObject();
        }
    }

    private void WriteMounts(ContainerResource container)
    {
        var mounts = container.Annotations.OfType<ContainerMountAnnotation>().ToLookup(m => m.Type);
        foreach (var (type, array, sourceName) in new[] { (ContainerMountType.BindMount, "bindMounts", "source"), (ContainerMountType.Volume, "volumes", "name") })
        {
            if (!mounts[type].Any()) continue;

            Writer.WriteStartArray(array);
            foreach (var mount in mounts[type])
            {
                Writer.WriteStartObject();
                if (mount.Source is not null)
                    Writer.WriteString(sourceName, type == ContainerMountType.BindMount ? RelativePath(mount.Source) : mount.Source);

                Writer.WriteString("target", mount.Target);
                Writer.WriteBoolean("readOnly", mount.IsReadOnly);
                Writer.WriteEndObject();
            }

            Writer.WriteEndArray();
        }
    }

    private string RelativePath(string path) =>
        Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(ManifestPath))!, path).Replace('\\', '/');
}
