-- SPDX-License-Identifier: MIT
--
-- A test for sysbench: each event looks for primes, as the test named cpu does, and has to find all that
-- there are. Where one does not, sysbench ends and says so.

sysbench.cmdline.options = {
   max_prime = {"The primes are smaller", 10000},
   primes = {"How many odd primes there are", 1228},
}

local function is_prime(odd)
   for divisor = 2, math.floor(math.sqrt(odd)) do
      if odd % divisor == 0 then
         return false
      end
   end
   return true
end

function event()
   local found = 0
   for candidate = 3, sysbench.opt.max_prime - 1 do
      if is_prime(candidate) then
         found = found + 1
      end
   end
   if found ~= sysbench.opt.primes then
      error(string.format("%d primes were found where there are %d", found, sysbench.opt.primes))
   end
end
