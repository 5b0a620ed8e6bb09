namespace Tests.Offline.Hosting;

/// <summary>Tests that run whole applications: one at a time, they are heavy.</summary>
[CollectionDefinition("AppHost", DisableParallelization = true)]
public sealed class AppHostCollection;
