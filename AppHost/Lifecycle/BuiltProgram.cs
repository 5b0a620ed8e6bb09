using System.Reflection;
using System.Runtime.InteropServices;

namespace InferenceTemplate.AppHost.Lifecycle;

/// <summary>
/// Starts what the build of this AppHost made. Aspire's default is <c>dotnet run</c>, which builds the project once more for each replica,
/// all of them at the same moment, and stays as a process of its own.
/// </summary>
internal static class BuiltProgram
{
    /// <summary>
    /// Leaves the default where an editor or <c>dotnet watch</c> starts projects, and where the program is not at its usual place. A
    /// restart
    /// runs what is built; the dashboard's command Rebuild takes in what was edited.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithBuiltProgram(this IResourceBuilder<ProjectResource> service)
    {
        var builder = service.ApplicationBuilder;
        var startedByOthers = builder.Configuration["DEBUG_SESSION_PORT"] is not null || builder.Configuration["DOTNET_WATCH"] is not null;
        if (!builder.ExecutionContext.IsRunMode
            || startedByOthers || Find(service.Resource.GetProjectMetadata().ProjectPath) is not { } program)
        {
            return service;
        }

        return service
            .WithAnnotation(new ExecutableAnnotation
            {
                Command = program,
                WorkingDirectory = Path.GetDirectoryName(service.Resource.GetProjectMetadata().ProjectPath)!,
            })
            // An SDK that was unpacked somewhere is found by 'dotnet' alone.
            .WithEnvironment("DOTNET_ROOT", Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")));
    }

    private static string? Find(string project)
    {
        var configuration = typeof(BuiltProgram).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";
        var folder = Path.Combine(Path.GetDirectoryName(project)!, "bin", configuration, $"net{Environment.Version.ToString(2)}");
        var program = Path.ChangeExtension(
            Directory.Exists(folder) ? Directory.GetFiles(folder, "*.runtimeconfig.json").SingleOrDefault() : null, null);
        program = Path.ChangeExtension(program, OperatingSystem.IsWindows() ? ".exe" : null);
        return File.Exists(program) ? program : null;
    }
}
