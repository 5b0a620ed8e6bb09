// Usage, from the repository root: dotnet run --project offline/Migrations -- <Name>
// Compares the model with the last snapshot and writes the next migration into Inference/Store/Migrations. No database is needed.
using InferenceTemplate.Inference.Store;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Design.Internal;
using Microsoft.EntityFrameworkCore.Migrations.Design;
using Microsoft.Extensions.DependencyInjection;

if (args is not [var name] || name.StartsWith('-'))
{
    Console.Error.WriteLine("Give the migration's name: dotnet run --project offline/Migrations -- AddJobs");
    return 2;
}

var project = Path.Combine(Environment.CurrentDirectory, "Inference");
var output = Path.Combine(project, "Store", "Migrations");
if (!File.Exists(Path.Combine(project, "Inference.csproj")))
{
    Console.Error.WriteLine($"There is no Inference project in {Environment.CurrentDirectory}: run this from the repository root.");
    return 2;
}

var options = new DbContextOptionsBuilder<InferenceDbContext>().UseNpgsql("Host=unused").Options;
using (var unchanged = new InferenceDbContext(options))
{
    // In a context of its own: a snapshot compared once no longer compares.
    if (!unchanged.Database.HasPendingModelChanges())
    {
        Console.WriteLine("The model has not changed since the last migration: nothing to write.");
        return 0;
    }
}

using var context = new InferenceDbContext(options);
var assembly = typeof(InferenceDbContext).Assembly;
var reporter = new OperationReporter(new OperationReportHandler(Console.Error.WriteLine, Console.Error.WriteLine));
var services = new DesignTimeServicesBuilder(assembly, assembly, reporter, args).Build(context);
using var scope = services.CreateScope();
var scaffolder = scope.ServiceProvider.GetRequiredService<IMigrationsScaffolder>();

// The namespace follows the context's, so that a renamed product needs no change here.
var migration = scaffolder.ScaffoldMigration(name, typeof(InferenceDbContext).Namespace!, subNamespace: "Migrations");
var files = scaffolder.Save(project, migration, output, dryRun: false);
foreach (var file in new[] { files.MigrationFile, files.MetadataFile, files.SnapshotFile })
{
    Console.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, file!));
}

return 0;
