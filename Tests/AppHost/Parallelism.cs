using Xunit.Sdk;
using Xunit.v3;

// Tests share a platform, of which some stop parts, and others start one of their own: two at once would fight.
[assembly: Parallelization(Mode = ParallelMode.None)]
